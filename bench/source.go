package main

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/kdelta/kdelta/protocol"
)

// source is a link to a session that makes all of its packs before it hands over the first one, at the moment began. It keeps them.
type source struct {
	mu      sync.Mutex
	session *protocol.Session
	made    [][]byte
	packs   [][]byte
	began   time.Time
	wake    chan struct{}
}

func newSource(s *protocol.Session) *source { return &source{session: s, wake: make(chan struct{}, 1)} }

// InProcess implements transport.InProcess.
func (s *source) InProcess() {}

// Close implements transport.Conn.
func (s *source) Close() error { return s.session.Close() }

// Send implements transport.Conn.
func (s *source) Send(_ context.Context, frame []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return s.session.Receive(frame)
}

// Receive implements transport.Conn.
func (s *source) Receive(ctx context.Context) ([]byte, error) {
	for {
		frame, err := s.next()
		if frame != nil || err != nil {
			return frame, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *source) next() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.made) == 0 || s.session.Report().Sent.Packs > 0 && s.began.IsZero() {
		frame, err := s.session.Next()
		if err != nil {
			return nil, err
		}
		if frame == nil {
			break
		}
		frame = bytes.Clone(frame)
		if pack, is := protocol.PackIn(frame); is {
			s.packs = append(s.packs, pack)
		}
		s.made = append(s.made, frame)
	}
	if len(s.made) == 0 {
		return nil, nil
	}
	if s.began.IsZero() && s.session.Report().Sent.Packs > 0 {
		s.began = time.Now()
	}
	frame := s.made[0]
	s.made = s.made[1:]
	return frame, nil
}
