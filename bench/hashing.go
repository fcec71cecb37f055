package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/replica"
)

// hashed are the bytes of versions that nobody can believe without hashing them: the payload and the header of each.
type hashed [][]byte

// hashedIn are those of the versions of packs that belong to a replica's space.
func hashedIn(ctx context.Context, r *replica.Replica, packs [][]byte) (hashed, error) {
	status, err := r.Status(ctx)
	if err != nil {
		return nil, err
	}
	var all hashed
	var d pack.Decoder
	for _, b := range packs {
		if err := d.Reset(status.Space, b); err != nil {
			return nil, err
		}
		for {
			v, err := d.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("a pack that was applied: %w", err)
			}
			all = append(all, bytes.Clone(v.Payload), v.AppendHeader(nil))
		}
	}
	return all, nil
}

// hash is the limit of whoever takes versions from others: SHA-256 of all of it, on one processor.
func (h hashed) hash() time.Duration {
	start := time.Now()
	for _, b := range h {
		_ = sha256.Sum256(b)
	}
	return time.Since(start)
}
