// Package db is the one door to the database: PostgreSQL over a native pgx pool,
// or a SQLite file in process, behind the same interface and the same SQL text.
//
// Place in the walk: a service's store.go writes SQL against Q; cmd/weir opens one
// DB for all services of a process and migrates it before they run.
//
// What both databases promise:
//   - A statement that a Tx ran is there after the commit and not there otherwise;
//     an error inside a Tx fails the whole Tx, on SQLite too.
//   - time.Time goes in and comes out in UTC, cut to microseconds; years 1 to 9999.
//   - uuid.UUID, json.RawMessage, bool, string, []byte, ints, floats, pointers to
//     them (nil is NULL) and types made of strings or ints go both ways. NULL into
//     what is no pointer is an error; into json.RawMessage it is nil.
//   - Text is UTF-8 without NUL, JSON is valid and without \u0000: else ErrRefused.
//   - LIKE minds the case of letters; foreign keys are checked.
//
// How to write SQL that runs on both:
//   - $1, $2, ... for values, as often and in any order. Types of columns: UUID, TEXT,
//     BIGINT, BOOLEAN, DOUBLE PRECISION, TIMESTAMPTZ, JSONB, BYTEA. "UUID PRIMARY KEY"
//     does not refuse NULL on SQLite: ids are set by the app and never NULL.
//   - The app sets ids (UUID v7) and times: no now(), no serial, no defaults that
//     compute. No arrays, no enums, no ::casts, no CAST to UUID, TIMESTAMPTZ or JSONB.
//   - INSERT ... ON CONFLICT ... DO UPDATE/NOTHING, RETURNING, WITH, EXISTS, window
//     functions, meta->>'name' and LIKE ... ESCAPE '\' are the same on both.
//   - Fold case in the app and store the folded text: lower() is ASCII only on SQLite.
//     Text is ordered by the server's collation: page by time and id.
//   - sum() and avg() of BIGINT are numeric on PostgreSQL: CAST(... AS BIGINT).
//   - What only one of them can do is a fragment chosen by IsPostgres, Lock or Hold.
//
// Fault turns its errors into what callers of a service see.
//
// SQLite runs in WAL mode with one connection that writes and a few that read, so
// reads never wait for a write. Its commits survive the end of the process at any
// point; at a power cut the last ones can be lost, the file is never damaged
// (synchronous=NORMAL). The file must be on a local disk.
//
// The package keeps no metrics, builds no SQL, and does not split reads between
// replicas.
package db
