// Package dbtest gives tests a database of their own: a fresh SQLite file always, and
// a fresh database on a real PostgreSQL when WEIR_TEST_DATABASE_URL names one.
//
// Place in the walk: every store's suite runs under Each, so that it is shown on both.
// The user in WEIR_TEST_DATABASE_URL needs the right to create databases
// (ALTER ROLE ... CREATEDB); what was created is dropped when the test ends.
//
// It starts no server and knows nothing of schemas: tests migrate what they need.
package dbtest
