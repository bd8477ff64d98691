// Package ladder plans at which sizes and rates a source is offered beside its
// own picture.
//
// A plan is a pure function of the source's track and of the WEIR_LADDER
// setting: nothing is scaled up, shapes are kept, sizes are even, and the frame
// rate is the source's. The source's own rendition is not part of a plan;
// media/transcode carries plans out.
package ladder
