// Package congestion estimates how much the way to a peer carries, from when packets left
// and when they came, as the peer tells (draft-ietf-rmcat-gcc-02):
//
//	groups    packets that leave in one burst are one measurement          5.2
//	trend     how much later each group comes than the one before          5.3
//	detector  whether that is a queue in the network that grows            5.4
//	control   up while none does, down to what arrives when one does       5.5
//	loss      the same by what is lost                                     6
//
// It has no clock and no network; its times are durations from any zero, one of the sender
// and one of the peer. An Estimator belongs to one goroutine at a time.
package congestion
