// Package archive keeps finished segments: the packager's Sink on files.
package archive
