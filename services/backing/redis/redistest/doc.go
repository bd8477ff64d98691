// Package redistest gives tests a fresh, empty Redis: the embedded one always, and
// the real one of WEIR_TEST_REDIS_URL when that is set.
//
// On the real server each test has a database number of its own (1 to 15, taken by a
// key in database 0 and emptied before and after), so that packages may be tested at
// once. Pub/sub channels are the same in all numbers: a test that counts messages
// uses channel names of its own. For tests only.
package redistest
