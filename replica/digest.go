package replica

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/kdelta/kdelta/crdt"
)

// digest is a sum of SHA-256 values modulo 2^256, least significant word first: the order in which keys were touched
// does not show in it, and one key's share can be taken out and put back in.
type digest [4]uint64

func digestOf(b [32]byte) digest {
	var d digest
	for i := range d {
		d[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return d
}

func (d digest) bytes() [32]byte {
	var b [32]byte
	for i, w := range d {
		binary.LittleEndian.PutUint64(b[8*i:], w)
	}
	return b
}

func (d *digest) add(x digest) {
	var carry uint64
	for i := range d {
		d[i], carry = bits.Add64(d[i], x[i], carry)
	}
}

func (d *digest) sub(x digest) {
	var borrow uint64
	for i := range d {
		d[i], borrow = bits.Sub64(d[i], x[i], borrow)
	}
}

// keyDigest is one key's share of the state digest: SHA-256(key ‖ 0x00 ‖ state without its values, which the ids in
// it fix). buf is scratch space.
func keyDigest(buf []byte, key string, state *crdt.Encoding) (digest, []byte) {
	buf = append(buf[:0], key...)
	buf = append(buf, 0)
	buf = state.AppendDigest(buf)
	return digestOf(sha256.Sum256(buf)), buf
}
