//! The tables, written by hand once for both databases; a test compares them with what the migrations make.

mod journal;

pub(super) use journal::*;

diesel::table! {
    person_keys (owner) {
        owner -> Text, wrapped -> Binary, master_version -> Integer, created_at -> Timestamp,
    }
}

diesel::table! {
    organisations (id) {
        id -> Text, name -> Text, siret -> Text, address -> Text, zone -> Text, procedures -> Text,
        suspended_at -> Nullable<Timestamp>, created_at -> Timestamp,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text, email_index -> Binary, profile -> Binary, auditor -> Bool, active -> Bool,
        terms -> Nullable<Text>, created_at -> Timestamp, officer -> Bool, contact_at -> Nullable<Timestamp>,
        archived_at -> Nullable<Timestamp>, destroyed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    memberships (account, organisation) {
        account -> Text, organisation -> Text, mediator -> Bool, manager -> Bool,
        certified_until -> Nullable<Timestamp>, created_at -> Timestamp,
    }
}

diesel::table! {
    authenticators (id) {
        id -> Text, account -> Text, secret -> Binary, last_step -> BigInt, failures -> Integer,
        locked_at -> Nullable<Timestamp>, confirmed_at -> Nullable<Timestamp>, created_at -> Timestamp,
    }
}

diesel::table! {
    recovery_codes (account, position) {
        account -> Text, position -> Integer, hash -> Text, used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sign_in_links (token_hash) {
        token_hash -> Binary, account -> Nullable<Text>, email_index -> Binary, browser_hash -> Binary,
        created_at -> Timestamp, expires_at -> Timestamp, used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text, token_hash -> Binary, account -> Text, organisation -> Nullable<Text>, csrf -> Text,
        created_at -> Timestamp, seen_at -> Timestamp, code_at -> Nullable<Timestamp>, expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>, purpose -> Nullable<Binary>, authentication -> Text,
        declared -> Nullable<Text>,
    }
}

diesel::table! {
    citizens (id) {
        id -> Text, issuer -> Text, sub_index -> Binary, subject -> Text, identity -> Binary,
        created_at -> Timestamp, identity_index -> Nullable<Binary>, archived_at -> Nullable<Timestamp>,
        destroyed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    citizen_search (organisation, token, citizen) {
        organisation -> Text, token -> Binary, citizen -> Text,
    }
}

diesel::table! {
    drafts (id) {
        id -> Text, account -> Text, session -> Text, organisation -> Text, procedures -> Text, term -> Text,
        created_at -> Timestamp, stage -> Text, state_hash -> Nullable<Binary>, nonce -> Nullable<Text>,
        verifier -> Nullable<Text>, citizen -> Nullable<Text>, identity -> Nullable<Binary>,
        agreement_hash -> Nullable<Binary>, agreement -> Nullable<Binary>, mandate -> Nullable<Text>, provider -> Text,
        assurance -> Nullable<Text>,
    }
}

diesel::table! {
    mandates (id) {
        id -> Text, organisation -> Text, citizen -> Text, draft -> Text, opened_by -> Text, opened_at -> Timestamp,
        expires_at -> Timestamp, term -> Text, session -> Nullable<Text>, document -> Binary,
        archived_at -> Nullable<Timestamp>, destroyed_at -> Nullable<Timestamp>, assurance -> Text,
    }
}

diesel::table! {
    authorisations (id) {
        id -> Text, mandate -> Text, organisation -> Text, citizen -> Text, procedure -> Text,
        ended_at -> Nullable<Timestamp>, ended_kind -> Nullable<Text>, ended_by -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    holdings (organisation, citizen) {
        organisation -> Text, citizen -> Text, last_opened_at -> Timestamp, active_until -> Nullable<Timestamp>,
        last_end -> Timestamp,
    }
}

diesel::table! {
    agreements (id) {
        id -> Text, mandate -> Text, given_at -> Timestamp, method -> Text, language -> Text,
        #[sql_name = "text"] body -> Binary, digest -> Binary,
    }
}

diesel::table! {
    documents (mandate) {
        mandate -> Text, version -> Text, #[sql_name = "text"] body -> Binary, digest -> Binary,
    }
}

diesel::table! {
    uses (id) {
        id -> Text, mandate -> Text, authorisation -> Text, organisation -> Text, citizen -> Text, account -> Text,
        client -> Text, procedure -> Text, at -> Timestamp, outcome -> Nullable<Text>,
        outcome_at -> Nullable<Timestamp>, outcome_by -> Nullable<Text>,
    }
}

diesel::table! {
    clients (id) {
        id -> Text, name -> Text, redirect_uris -> Text, logout_uris -> Text, secret -> Binary,
        secret_hash -> Binary, auth_method -> Text, algorithm -> Text, userinfo -> Text, franceconnect -> Bool,
        created_at -> Timestamp, pkce -> Text, scopes -> Text, procedures -> Nullable<Text>, keys -> Nullable<Text>,
        pushed -> Bool, dpop -> Bool, introspects -> Bool, previous -> Nullable<Binary>,
        previous_until -> Nullable<Timestamp>, silent -> Bool, acr -> Text, vocabulary -> Text, binds -> Nullable<Text>,
        withheld -> Nullable<Text>,
    }
}

diesel::table! {
    seen_tokens (hash) {
        hash -> Binary, expires_at -> Timestamp,
    }
}

diesel::table! {
    pushed_requests (hash) {
        hash -> Binary, client -> Text, parameters -> Binary, expires_at -> Timestamp,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text, algorithm -> Text, private -> Binary, public -> Text, state -> Text, created_at -> Timestamp,
        retired_at -> Nullable<Timestamp>, signs_from -> Timestamp, urgent -> Bool,
    }
}

diesel::table! {
    flows (id) {
        id -> Text, client -> Text, browser_hash -> Binary, redirect_uri -> Text, state -> Nullable<Text>,
        nonce -> Nullable<Text>, scope -> Text, procedures -> Nullable<Text>, code_since -> Nullable<Timestamp>,
        challenge -> Nullable<Text>, account -> Nullable<Text>, session -> Nullable<Text>, created_at -> Timestamp,
        expires_at -> Timestamp, used_at -> Nullable<Timestamp>, dpop_key -> Nullable<Text>, citizen -> Nullable<Text>,
        acr -> Text,
    }
}

diesel::table! {
    grants (code_hash) {
        code_hash -> Binary, flow -> Text, client -> Text, account -> Text, session -> Text, organisation -> Text,
        citizen -> Text, mandate -> Text, procedure -> Text, redirect_uri -> Text, nonce -> Nullable<Text>,
        scope -> Text, challenge -> Nullable<Text>, auth_time -> Timestamp, code_expires_at -> Timestamp,
        code_used_at -> Nullable<Timestamp>, token_hash -> Nullable<Binary>,
        token_expires_at -> Nullable<Timestamp>, token_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>, dpop_key -> Nullable<Text>, repeats -> Nullable<Text>,
        authentication -> Text, acr -> Text, secret_hash -> Nullable<Binary>,
    }
}

diesel::table! {
    outbox (id) {
        id -> Text, account -> Text, content -> Binary, created_at -> Timestamp, attempts -> Integer,
        next_attempt_at -> Timestamp, sent_at -> Nullable<Timestamp>, failed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    holds (id) {
        id -> Text, person -> Text, ground -> Text, set_by -> Text, set_at -> Timestamp,
        lifted_by -> Nullable<Text>, lifted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    erasure_requests (id) {
        id -> Text, citizen -> Text, ground -> Text, asked_by -> Text, asked_in -> Text, asked_at -> Timestamp,
        decision -> Nullable<Text>, decided_by -> Nullable<Text>, decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    erasures (owner) {
        owner -> Text, entry -> Text, at -> Timestamp,
    }
}

diesel::table! {
    traces (id) {
        id -> Text, at -> Timestamp, account -> Text, citizen -> Nullable<Text>, source -> Binary,
    }
}

diesel::table! {
    leases (name) {
        name -> Text, holder -> Text, until -> Timestamp, done_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    phones (id) {
        id -> Text, number_index -> Binary, at -> Timestamp,
    }
}

diesel::table! {
    contacts (organisation, citizen, phone) {
        organisation -> Text, citizen -> Text, phone -> Text, number -> Nullable<Binary>,
    }
}

diesel::joinable!(memberships -> accounts (account));
diesel::joinable!(memberships -> organisations (organisation));
diesel::joinable!(authenticators -> accounts (account));
diesel::joinable!(sessions -> accounts (account));
diesel::joinable!(mandates -> citizens (citizen));
diesel::joinable!(authorisations -> mandates (mandate));
diesel::joinable!(holdings -> citizens (citizen));
diesel::joinable!(uses -> citizens (citizen));
diesel::joinable!(uses -> mandates (mandate));
diesel::joinable!(grants -> mandates (mandate));
diesel::joinable!(documents -> mandates (mandate));
diesel::joinable!(agreements -> mandates (mandate));

diesel::allow_tables_to_appear_in_same_query!(
    person_keys,
    organisations,
    accounts,
    memberships,
    authenticators,
    recovery_codes,
    sign_in_links,
    sessions,
    citizens,
    citizen_search,
    drafts,
    mandates,
    authorisations,
    agreements,
    holdings,
    phones,
    contacts,
    documents,
    uses,
    journal_entries,
    journal_sealed,
    journal_pending,
    journal_positions,
    journal_tiles,
    journal_checkpoints,
    journal_cosignatures,
    journal_timestamps,
    journal_sequencer,
    clients,
    signing_keys,
    seen_tokens,
    pushed_requests,
    flows,
    grants,
    outbox,
    holds,
    erasure_requests,
    erasures,
    traces,
    leases,
    journal_terms,
    journal_search,
    journal_days,
    journal_digest,
    inquiries,
    signals,
    findings,
    journal_exports,
);
