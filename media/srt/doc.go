// Package srt is the receiving side of SRT in live mode (draft-sharabayko-srt-01, to
// which the numbers at the lines refer): callers that send come in through one UDP
// socket, and their payloads come out in order and in time.
//
// listener.go has the socket and the one goroutine that serves it, for all connections;
// handshake.go and request.go let callers in, door.go so many at once, cookie.go before
// anything is kept of them; keys.go decrypts. conn.go is one connection; buffer.go keeps
// its packets until they are due, loss.go finds those to ask for again, clock.go turns the
// sender's time stamps into our time. packet.go has the headers.
//
// All input is taken to be hostile. What is kept of a connection is bounded by
// Config.Packets, of callers that were not answered yet by a number; nothing is kept of
// a caller before it has sent back a cookie. A datagram costs the time of what it can
// change. A panic costs the connection that it came about.
//
// The socket is not read for each datagram: while anybody is connected it is emptied
// every few milliseconds, in few calls of the system, and then the same goroutine
// answers, asks and hands on what is due. That is what makes it cheap. When a datagram
// came is the kernel's word, so that what is measured of the network stays true.
package srt
