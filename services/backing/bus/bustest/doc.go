// Package bustest holds the tests that every bus passes, on every database.
//
// Suite is the behaviour, case by case. Flood is the proof under disturbance: many
// events while the caller kills brokers, cuts connections or restarts the bus; every
// event handled, each effect once, the order of each subject kept.
//
// It is for tests only.
package bustest
