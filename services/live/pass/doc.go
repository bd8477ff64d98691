// Package pass makes and reads passes: what viewers show to watch a stream that is not
// for everybody, and the cookies that tell viewers apart.
//
// Place in the walk: the live-service makes a pass when it is asked for one; every node
// that has media reads it, with each request for a playlist or a segment, by nothing but
// the keys that it holds. What was taken back meanwhile is the live-service's to know.
//
// A pass is base64url of the fields below and the first 16 bytes of their HMAC-SHA256.
// Integers are big endian; it takes about a microsecond to check one.
//
//	1   version, 1
//	4   number of the key
//	16  channel
//	8   viewer
//	8   issued, milliseconds since 1970
//	4   expires, seconds since 1970
//	1   kind of holder; 16 more when it is not Anybody
//	1   bits of the network, 255: any; 1 and 4 or 16 more: the length of its address, and that
//	1   length of the name, and that
//
// A pass is a secret: it is in no log and in no error.
package pass
