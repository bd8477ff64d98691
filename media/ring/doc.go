// Package ring is the bounded queue between one writer and one reader of a
// stream. A full queue never blocks the writer: it is emptied and then refuses
// items until one comes at which the reader can start again.
package ring
