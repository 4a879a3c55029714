use super::*;

fn page(body: &str) -> Page {
    let url = Url::parse("http://127.0.0.1:1/mandates/new?x=1").unwrap();
    Page { url, status: 200, headers: HeaderMap::new(), body: body.to_owned(), hops: Vec::new() }
}

#[test]
fn a_form_holds_what_a_browser_would_send_untouched() {
    let page = page(
        r#"<form method="POST" action="/drafts">
            <input type="hidden" name="csrf" value="a&#38;b"><input name=q value='deux mots'><input name="off" disabled>
            <input type=checkbox name=procedures value=logement checked>
            <input type=checkbox name=procedures value=argent>
            <input type="radio" name="term" value="day"><input type="radio" name="term" value="month">
            <select name="reason"><option value="asked">A<option value="moved" selected>B</select>
            <textarea name="note">1 &lt; 2</textarea><button name="decision" value="agree">Oui</button>
        </form><input name="outside" value="1">"#,
    );
    let form = page.form("/drafts").unwrap();
    let sent: Vec<_> = form.fields().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(sent, ["csrf=a&b", "q=deux mots", "procedures=logement", "reason=moved", "note=1 < 2"]);
    assert_eq!(form.choices("procedures"), ["logement", "argent"]);
    assert_eq!(form.choices("term"), ["day", "month"]);
    assert_eq!(form.choices("decision"), ["agree"]);
    assert_eq!(form.choices("reason"), ["asked", "moved"]);
    assert!(form.is_post());
    let changed = form.with("q", "z").also("procedures", "argent").without("note").aimed_at("/elsewhere");
    assert_eq!(changed.value("q"), Some("z"));
    assert_eq!(changed.fields().len(), 5);
    assert_eq!(changed.action().as_str(), "http://127.0.0.1:1/elsewhere");
}

#[test]
fn the_exact_action_wins_over_a_longer_one_and_an_absent_one_is_the_page() {
    let page = page(
        r#"<form action="/drafts/1/cancellation"></form><form action="/drafts/1"></form><form></form>
           <form action="http://127.0.0.1:2/drafts/1"></form>"#,
    );
    assert_eq!(page.form("/drafts/1").unwrap().action().as_str(), "http://127.0.0.1:1/drafts/1");
    assert_eq!(page.form("/drafts/").unwrap().action().path(), "/drafts/1/cancellation");
    assert_eq!(page.form("/mandates/new").unwrap().action().as_str(), page.url.as_str());
    assert_eq!(page.form("http://127.0.0.1:2/").unwrap().action().port(), Some(2));
    assert!(page.form("/other").is_none());
}

#[test]
fn links_are_resolved_and_text_is_what_a_person_reads() {
    let page = page(
        r#"<p>Bonjour <b>Jos&#233;phine</b>,</p>
           <p>voir <a href="../home?a=1&amp;b=2">ici &amp; <i>là</i></a>.</p><a>no</a>"#,
    );
    assert_eq!(page.text(), "Bonjour Joséphine, voir ici & là. no");
    let link = page.links().swap_remove(0);
    assert_eq!((link.url.as_str(), link.text.as_str()), ("http://127.0.0.1:1/home?a=1&b=2", "ici & là"));
    assert_eq!(page.link("/home"), Some(link.url));
    assert_eq!(page.link("/nowhere"), None);
}

#[test]
fn only_a_redirect_leads_elsewhere() {
    let mut page = page("");
    page.headers.insert(LOCATION, "/home".parse().unwrap());
    assert_eq!(page.location(), None);
    page.status = 303;
    assert_eq!(page.location().unwrap().as_str(), "http://127.0.0.1:1/home");
}
