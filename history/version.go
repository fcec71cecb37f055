package history

import (
	"crypto/sha256"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// ID is the id of a version: SHA-256 of its header, which commits to its payload and to its whole past.
type ID = clock.ID

// Ref names one version exactly: who wrote it, its last dot, and its id as the proof. Author and Seq say where to
// look, since nothing indexes versions by their ids; only the id is believed.
type Ref struct {
	Author identity.Author
	Seq    uint64
	ID     ID
}

// A Version is one node of the DAG. It is made by New, or decoded and checked by a Decoder, and never changed after;
// only Contents may lose elements, when an op's content is erased.
type Version struct {
	// Author is the database instance that wrote the version.
	Author identity.Author
	// Seq is the version's last dot, Width the number of dots it owns: Seq−Width+1 … Seq. Width is 1 at least.
	Seq, Width uint64
	// Prev is the id of the author's previous version, or Genesis if there is none.
	Prev ID
	// Deps are the other parents, in ascending order of their ids, without duplicates and without Prev.
	Deps []Ref
	// Time is the hybrid time, above that of every parent.
	Time clock.Time
	// Payload is the canonical bytes of the ops and the metadata; see Ops and Meta.
	Payload []byte
	// Contents are the bodies of detached ops that are here, by ascending op index. The body of an op that is
	// detached and not in Contents was erased, or was never received.
	Contents []Content
	// ID is SHA-256 of the header.
	ID ID
}

// Content is the body of a detached op, with the salt that keeps its hash from being guessed.
type Content struct {
	// Op is the index of the op in the payload.
	Op uint32
	// Salt is hashed before the body.
	Salt [SaltSize]byte
	// Body is canonical: what would stand in the payload were the op inline.
	Body []byte
}

// SaltSize is the length of the salt of a detached op in bytes.
const SaltSize = 16

// Ref names v.
func (v *Version) Ref() Ref { return Ref{Author: v.Author, Seq: v.Seq, ID: v.ID} }

// PrevRef names v's previous version. Its Seq is 0 where v is its author's first.
func (v *Version) PrevRef() Ref { return Ref{Author: v.Author, Seq: v.Seq - v.Width, ID: v.Prev} }

// Stamp is v's name and place in the total order.
func (v *Version) Stamp() clock.Stamp {
	return clock.Stamp{Time: v.Time, Author: v.Author, Seq: v.Seq, ID: v.ID}
}

// Clone is a copy of v that shares nothing with it.
func (v *Version) Clone() Version {
	c := *v
	c.Deps = slices.Clone(v.Deps)
	c.Payload = slices.Clone(v.Payload)
	c.Contents = slices.Clone(v.Contents)
	for i := range c.Contents {
		c.Contents[i].Body = slices.Clone(c.Contents[i].Body)
	}
	return c
}

// Size is what counts against MaxVersion: header, payload and detached contents by their declared lengths. It is for
// versions that were made or decoded: for a payload that was never checked it leaves the contents out.
func (v *Version) Size() uint64 {
	s, _ := inspect(v.Payload, nil)
	return uint64(len(v.AppendHeader(nil))+len(v.Payload)) + s.content
}

// genesisDomain separates the hash of Genesis from all others.
const genesisDomain = "kdelta/genesis/0"

// Genesis is the Prev of an author's first version in a space: SHA-256("kdelta/genesis/0" ‖ space ‖ author). It
// binds the author's whole chain to both.
func Genesis(space identity.Space, author identity.Author) ID {
	var buf [len(genesisDomain) + 64]byte
	b := append(buf[:0], genesisDomain...)
	b = append(b, space[:]...)
	return sha256.Sum256(append(b, author[:]...))
}

// AppendHeader appends the bytes that v's id is the SHA-256 of:
//
//	[0, seq, prev, [dep ids, ascending], time, SHA-256(payload)]
func (v *Version) AppendHeader(b []byte) []byte {
	sum := sha256.Sum256(v.Payload)
	b = canon.AppendArray(b, 6)
	b = canon.AppendUint(b, FormatByte)
	b = canon.AppendUint(b, v.Seq)
	b = canon.AppendBytes(b, v.Prev[:])
	b = canon.AppendArray(b, len(v.Deps))
	for i := range v.Deps {
		b = canon.AppendBytes(b, v.Deps[i].ID[:])
	}
	b = canon.AppendUint(b, uint64(v.Time))
	return canon.AppendBytes(b, sum[:])
}
