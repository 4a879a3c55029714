"""A public service in Python: Flask with authlib, which is how people are usually signed in there.

    python authlib_service.py SETTINGS    a JSON file: issuer, port, client_id, client_secret, auth, algorithm, logout_uri
"""

import json
import os
import secrets
import sys

# The issuer is on the loopback, without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.common.urls import add_params_to_uri
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, request, session, url_for
from joserfc.errors import JoseError
from markupsafe import escape
from requests import RequestException

with open(sys.argv[1], encoding="utf-8") as file:
    SETTINGS = json.load(file)

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
# The loopback has one host name for every port.
app.config["SESSION_COOKIE_NAME"] = "authlib"

oauth = OAuth(app)
oauth.register(
    "mandataire",
    client_id=SETTINGS["client_id"],
    client_secret=SETTINGS["client_secret"],
    server_metadata_url=f"{SETTINGS['issuer']}/.well-known/openid-configuration",
    client_kwargs={
        "scope": "openid profile email birth",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": SETTINGS["auth"],
        "default_timeout": 10,
        # The library takes a token for expired this many seconds early, 60 unless told: ours live 60.
        "leeway": 5,
    },
)


def page(status, **shown):
    """What is known, as JSON that the checks read."""
    text = escape(json.dumps(shown, ensure_ascii=False))
    return f'<!doctype html><title>Dossier</title><pre id="shown">{text}</pre><p><a href="/sign-out">Se déconnecter</a>', status


@app.get("/")
def welcome():
    return '<p><a href="/sign-in">Mon dossier</a>'


@app.get("/sign-in")
def sign_in():
    # What the checks ask for goes into the request as it is.
    asked = {"prompt": request.args["prompt"]} if "prompt" in request.args else {}
    return oauth.mandataire.authorize_redirect(url_for("callback", _external=True), **asked)


@app.get("/callback")
def callback():
    try:
        # The library compares `state`, sends the verifier, and checks the ID token: signature, iss, aud, exp, nonce, at_hash.
        tokens = oauth.mandataire.authorize_access_token()
    except (OAuthError, JoseError) as error:
        return page(403, error=getattr(error, "error", None) or type(error).__name__)
    claims = dict(tokens["userinfo"])
    identity = dict(oauth.mandataire.userinfo(token=tokens))
    if identity["sub"] != claims["sub"]:
        return page(403, error="another subject")
    # The token has been used: we give the identity once.
    try:
        again = dict(oauth.mandataire.userinfo(token=tokens))
    except (OAuthError, RequestException) as error:
        again = type(error).__name__
    session["id_token"] = tokens["id_token"]
    return page(200, claims=claims, identity=identity, again=again, token_type=tokens["token_type"])


@app.get("/sign-out")
def sign_out():
    session["state"] = secrets.token_urlsafe(32)
    asked = {
        "id_token_hint": session.pop("id_token"),
        "post_logout_redirect_uri": SETTINGS["logout_uri"],
        "client_id": SETTINGS["client_id"],
        "state": session["state"],
    }
    end = oauth.mandataire.load_server_metadata()["end_session_endpoint"]
    return redirect(add_params_to_uri(end, asked.items()))


@app.get("/signed-out")
def signed_out():
    same = secrets.compare_digest(request.args.get("state", ""), session.pop("state", None) or secrets.token_hex())
    return page(200 if same else 403, signed_out=same)


app.run("127.0.0.1", SETTINGS["port"])
