package identity

import (
	"math"
	"strconv"

	"github.com/kdelta/kdelta/internal/canon"
)

// decoder reads one canonical record of known shape. The first error stays,
// later reads return zero values, and end reports it: a record's decoder is
// then a list of its fields.
type decoder struct {
	what string
	r    canon.Reader
	err  error
}

func newDecoder(what string, b []byte) *decoder {
	return &decoder{what: what, r: canon.NewReader(b)}
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = malformed(d.what, err)
	}
}

func (d *decoder) refuse(why string) {
	if d.err == nil {
		d.err = malformed(d.what+": "+why, nil)
	}
}

// array reads the header of an array of exactly n items.
func (d *decoder) array(n int) {
	if got := d.length(n); got != n {
		d.refuse("an array of " + strconv.Itoa(n) + " items is due")
	}
}

// length reads the header of an array of at most limit items.
func (d *decoder) length(limit int) int {
	if d.err != nil {
		return 0
	}
	n, err := d.r.Array()
	if err != nil {
		d.fail(err)
		return 0
	}
	if n > limit {
		d.refuse("an array of more than " + strconv.Itoa(limit) + " items")
		return 0
	}
	return n
}

// fixed reads bytes of exactly len(dst).
func (d *decoder) fixed(dst []byte) {
	if b := d.optional(len(dst)); d.err == nil && b == nil {
		d.refuse(strconv.Itoa(len(dst)) + " bytes are due, none found")
	} else {
		copy(dst, b)
	}
}

// optional reads bytes of exactly n, or nil for empty bytes. The result
// aliases the input.
func (d *decoder) optional(n int) []byte {
	if d.err != nil {
		return nil
	}
	b, err := d.r.Bytes()
	switch {
	case err != nil:
		d.fail(err)
		return nil
	case len(b) == 0:
		return nil
	case len(b) != n:
		d.refuse(strconv.Itoa(n) + " bytes are due, found " + strconv.Itoa(len(b)))
		return nil
	}
	return b
}

func (d *decoder) bytes32() (out [32]byte) {
	d.fixed(out[:])
	return out
}

func (d *decoder) signature() (out Signature) {
	d.fixed(out[:])
	return out
}

func (d *decoder) uint() uint64 {
	if d.err != nil {
		return 0
	}
	n, err := d.r.Uint()
	if err != nil {
		d.fail(err)
	}
	return n
}

// millis reads a time in Unix milliseconds.
func (d *decoder) millis() int64 {
	n := d.uint()
	if n > math.MaxInt64 {
		d.refuse("a time beyond 63 bits")
		return 0
	}
	return int64(n)
}

func (d *decoder) bool() bool {
	if d.err != nil {
		return false
	}
	v, err := d.r.Bool()
	if err != nil {
		d.fail(err)
	}
	return v
}

// string reads a text of at most limit bytes.
func (d *decoder) string(limit int) string {
	if d.err != nil {
		return ""
	}
	b, err := d.r.StringBytes()
	if err != nil {
		d.fail(err)
		return ""
	}
	if len(b) > limit {
		d.refuse("a text of more than " + strconv.Itoa(limit) + " bytes")
		return ""
	}
	return string(b)
}

// end returns the first error, bytes after the record included.
func (d *decoder) end() error {
	if d.err == nil {
		if err := d.r.End(); err != nil {
			d.fail(err)
		}
	}
	return d.err
}
