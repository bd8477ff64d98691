// Package slate makes the packets that viewers get while nobody publishes: the last
// picture of the stream, dimmed, with words on it, and silence.
//
// The picture has the size and frame rate of the publisher's, so that encoders and
// players go on as they are; its coding is H.264, and that of the sound AAC, or Opus
// where the publisher's was. One group of pictures is encoded, while it is shown for the
// first time, and is then repeated: a slate costs no more than the stream that it stands
// for, without a camera.
//
// It has no clock and paces nothing: that is what the session does.
package slate
