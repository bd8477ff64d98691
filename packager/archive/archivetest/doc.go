// Package archivetest is an object store in memory, for tests only.
package archivetest
