// Package storyboard puts pictures of a recording on sheets, for whoever looks for a
// place in it: JPEGs with a hundred small pictures, and a WebVTT text that says which
// time is where.
//
// It decodes key frames that it is given, one at a time, and holds one sheet. It knows
// no recordings and no storage.
package storyboard
