// Package place knows which process has which stream. Redis holds it: each node says
// every second that it lives, at which address its peers reach it and what it has on the
// air; a name is one node's at a time.
//
// Who wants a name that another node has asks it to give it up, which it does when its
// publisher is gone. A node that is killed is forgotten after Life, and its names are
// free; its streams are missed for a while, so that viewers can wait for them.
//
// It knows nothing of media.
package place
