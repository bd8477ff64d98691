// Package fileblob keeps objects as files in a folder: the embedded blob.Blob.
//
// An object "a/b.mp4" is the file a/b.mp4+blob. It holds the object's bytes from its
// first byte on, and behind them a trailer with the content type and the ETag, so that
// one rename replaces all of it. The suffix has a byte that keys do not: no object's
// file has the name of another one's folder.
//
// A file of the same file system can be moved in as it is: it becomes a/b.m4s+bare, without
// a trailer. Put leaves no such file, and Move no other.
//
// Invariants:
//
//   - A Put writes a temporary file in .tmp of the folder, syncs it, renames it and
//     syncs the folder that it is in now: after a power cut there is the old object or
//     the new one.
//   - Temporary files are locked while they are written. Open removes those that
//     nobody holds, so that a killed process leaves nothing for long, and two
//     processes may use one folder.
//   - Nothing outside of the folder is read or written, also when somebody put
//     symbolic links into it (os.Root).
//   - List reads a folder in pieces and holds a page of names of each level, however
//     many files there are.
//
// Other files without a trailer are not objects; they are left alone and not listed.
package fileblob
