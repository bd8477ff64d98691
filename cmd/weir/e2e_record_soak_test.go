//go:build soak

package main

import (
	"testing"
	"time"
)

func TestSoakRecordingKilled(t *testing.T) { killRecordings(t, 50) }

func TestSoakRecordingOutage(t *testing.T) { recordThroughOutage(t, time.Minute) }
