// Package footprint makes a process that has started small again.
//
// A start reads, builds and hashes much that is never looked at again: it leaves
// unused heap, and pages of the program's file that count as memory of the process
// as long as nobody else wants them. cmd/weir calls Shrink once, when everything is
// up. What is used again comes back from the page cache, a fault for each piece.
//
// Only mappings of the program's own file that cannot be written and hold nothing of
// their own are touched. It knows no other way to save memory, and none but Linux's.
package footprint
