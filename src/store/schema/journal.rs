//! The tables of the journal, and of those who audit it.

diesel::table! {
    journal_entries (id) {
        id -> Text, at -> Timestamp, kind -> Text, organisation -> Nullable<Text>, actor -> Nullable<Text>,
        citizen -> Nullable<Text>, mandate -> Nullable<Text>, client -> Nullable<Text>, clear -> Binary,
        commitment -> Binary, leaf -> Binary,
    }
}

diesel::table! {
    journal_sealed (entry) {
        entry -> Text, owner -> Text, salt -> Binary, ciphertext -> Binary,
    }
}

diesel::table! {
    journal_pending (entry) {
        entry -> Text,
    }
}

diesel::table! {
    journal_positions (position) {
        position -> BigInt, entry -> Text,
    }
}

diesel::table! {
    journal_tiles (level, number) {
        level -> Integer, number -> BigInt, root -> Binary, hashes -> Binary,
    }
}

diesel::table! {
    journal_checkpoints (size) {
        size -> BigInt, root -> Binary, at -> Timestamp, note -> Text, previous -> BigInt,
    }
}

diesel::table! {
    journal_cosignatures (size, witness) {
        size -> BigInt, witness -> Text, line -> Text,
    }
}

diesel::table! {
    journal_timestamps (size) {
        size -> BigInt, at -> Timestamp, reply -> Binary,
    }
}

diesel::table! {
    journal_sequencer (one) {
        one -> Integer, holder -> Text, beat -> BigInt,
    }
}

diesel::table! {
    journal_terms (number) {
        number -> Integer, term -> Text,
    }
}

diesel::table! {
    journal_search (n) {
        n -> BigInt, entry -> Text, kind -> Integer, organisation -> Nullable<Integer>, actor -> Nullable<Integer>,
        citizen -> Nullable<Integer>, mandate -> Nullable<Integer>, client -> Nullable<Integer>,
        procedure -> Nullable<Integer>,
    }
}

diesel::table! {
    journal_days (term, day, kind) {
        term -> Integer, day -> Integer, kind -> Integer, entries -> BigInt,
    }
}

diesel::table! {
    journal_digest (one) {
        one -> Integer, settled -> Text, signals_day -> Nullable<Integer>,
    }
}

diesel::table! {
    inquiries (id) {
        id -> Text, citizen -> Text, asked_by -> Text, asked_at -> Timestamp, ground -> Text, entry -> Text,
        decided_by -> Nullable<Text>, decided_at -> Nullable<Timestamp>, approved -> Nullable<Bool>,
    }
}

diesel::table! {
    signals (id) {
        id -> Text, rule -> Text, organisation -> Text, subject -> Text, day -> Integer, times -> Integer,
        first_at -> Timestamp, last_at -> Timestamp, raised_at -> Timestamp, answer_until -> Timestamp,
        answered_at -> Nullable<Timestamp>, answered_by -> Nullable<Text>, answer_entry -> Nullable<Text>,
    }
}

diesel::table! {
    findings (id) {
        id -> Text, account -> Text, at -> Timestamp, about -> Text, entry -> Text,
    }
}

diesel::table! {
    journal_exports (entry) {
        entry -> Text, account -> Text, at -> Timestamp, entries -> Integer,
    }
}
