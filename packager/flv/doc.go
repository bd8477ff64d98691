// Package flv sends packets as the tags of FLV that RTMP carries: what players of a
// stream and the targets that it is sent on to both get.
//
// A Sender begins with a key frame where there is a picture, at time 0, says before each
// track's first packet what its decoder needs, and again when that changes. It keeps no
// queue and knows no connection.
package flv
