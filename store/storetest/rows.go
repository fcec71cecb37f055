package storetest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/kdelta/kdelta/store"
)

// value makes a value for table t that depends on n alone: a valid row where rows have a format (adapters may lay
// those out in columns), else any bytes, sometimes none. Large and negative numbers, empty fields, NUL bytes and what
// is not UTF-8 all occur.
func value(t store.Table, n uint64) []byte {
	r := rand.New(rand.NewPCG(n, uint64(t)))
	switch t {
	case store.Authors:
		row := store.Author{
			Parent: number(r), ForkSeq: number(r), Seq: number(r), LV: number(r), Time: number(r), Certificate: octets(r),
		}
		fill(r, row.Author[:])
		fill(r, row.ID[:])
		if r.IntN(4) == 0 {
			fill(r, row.Fork[:])
		}
		return row.Append(nil)
	case store.Docs:
		row := store.Doc{
			Kind: pick(r, "", "register", "record", "counter", "set"), Value: json(r), Author: number(r), Seq: number(r),
			Time: number(r), Conflicts: number(r), Strategy: pick(r, "lww/1", "fields/1", "näher/2"), State: octets(r),
			Last: number(r), Count: number(r), Apart: number(r),
		}
		fill(r, row.ID[:])
		return row.Append(nil)
	case store.Conflicts:
		row := store.Conflict{
			Path: pick(r, "", "/a/0", "/ü"), Status: pick(r, "open", "overwritten", "resolved"), Time: number(r), Entry: json(r),
		}
		return row.Append(nil)
	case store.Peers:
		row := store.Peer{
			Met: number(r), Skew: int64(number(r)), Behind: number(r), Sent: number(r), Received: number(r),
			Clock: octets(r), Note: pick(r, "", "connection refused", "zu spät"),
		}
		if r.IntN(2) == 0 {
			row.Skew = -row.Skew
		}
		return row.Append(nil)
	default:
		return octets(r)
	}
}

// tableKey makes the n-th key of a table: equal n give equal keys, larger n larger ones.
func tableKey(t store.Table, n uint64) []byte {
	if t.Integer() {
		return store.IntKey(n)
	}
	return binary.BigEndian.AppendUint64([]byte("notes/"), n)
}

// number draws below 2^63, small ones as often as large ones.
func number(r *rand.Rand) uint64 { return r.Uint64() >> (1 + r.IntN(63)) }

func octets(r *rand.Rand) []byte {
	b := make([]byte, r.IntN(40))
	fill(r, b)
	return b
}

func fill(r *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// json draws a JSON text, none, or bytes that are neither JSON nor UTF-8: a store does not judge them.
func json(r *rand.Rand) []byte {
	switch r.IntN(4) {
	case 0:
		return nil
	case 1:
		return octets(r)
	default:
		return fmt.Appendf(nil, `{"title":"ä\u0000 %d","done":%t}`, r.Uint64(), r.IntN(2) == 0)
	}
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// brief shows bytes in a failure without flooding it.
func brief(b []byte) string {
	if len(b) > 48 {
		return fmt.Sprintf("%x… (%d bytes)", b[:48], len(b))
	}
	return fmt.Sprintf("%x", b)
}
