// Package testcard draws the moving picture and makes the sound that weir shows
// when nobody publishes: the demo, and the source of most tests.
//
// A Card draws pictures and Tone makes samples, both in plain Go. The picture
// carries the wall clock twice: in digits for people, and in a strip of black
// and white cells along its top for programs, which ReadClock reads back, so
// that the time from the card to a screen can be measured. A Camera, where there
// is cgo, encodes both to packets as a publisher would send them.
//
// Nothing here paces itself or touches the network.
package testcard
