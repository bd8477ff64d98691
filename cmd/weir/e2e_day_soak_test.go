//go:build soak

package main

import "testing"

func TestSoakDay(t *testing.T) { day(t, 100) }
