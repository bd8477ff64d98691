// Package seal keeps small secrets unreadable in the database: seeds of signing keys,
// secrets of second factors, whatever weir has to know in clear and a copy of the
// database must not tell. What need not be read again is hashed instead.
//
// A Box encrypts with AES-256-GCM under a key that is not in the database. A sealed
// text names its key, and opens only at its place: table and row are authenticated
// with it, so that it cannot be moved into another row. An old key still opens, so
// that keys can be changed.
//
// The package keeps no data and knows no table. It does not protect against somebody
// who can read weir's memory, its settings, or the folder with the key.
package seal
