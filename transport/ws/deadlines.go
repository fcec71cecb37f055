//go:build !js

package ws

import "time"

// Deadlines bound how long a link waits for the other end. The zero value has
// the defaults.
type Deadlines struct {
	// Handshake bounds the making of a link, 15 seconds by default.
	Handshake time.Duration
	// Idle is after how much silence the other end counts as gone, 60 seconds
	// by default. A third of it is the time between two pings.
	Idle time.Duration
	// Stall is how long the other end may take nothing of what is being
	// written, 60 seconds by default: 64 KiB must pass within it.
	Stall time.Duration
}

func (d Deadlines) withDefaults() Deadlines {
	return Deadlines{
		Handshake: orDefault(d.Handshake, 15*time.Second),
		Idle:      orDefault(d.Idle, time.Minute),
		Stall:     orDefault(d.Stall, time.Minute),
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
