package noise

import (
	"bytes"
	"fmt"

	flynn "github.com/flynn/noise"

	"github.com/kdelta/kdelta/transport"
)

// What a record is, its first byte.
const (
	kindLast     = 0
	kindPart     = 1
	kindFarewell = 2
)

// maxPart is how many bytes of a frame a record holds.
const maxPart = flynn.MaxMsgLen - tagLen - 1

// rekeyEvery is after how many records a direction changes its key, at both
// ends (section 11.3).
const rekeyEvery = 1 << 16

// direction is the key of one direction of a link.
type direction struct {
	state *flynn.CipherState
	count int
}

func (d *direction) next() {
	if d.count++; d.count == rekeyEvery {
		d.state.Rekey()
		d.count = 0
	}
}

// sealer makes records in a buffer of its own.
type sealer struct {
	direction
	buf [flynn.MaxMsgLen]byte
}

// seal makes one record, which is good until the next.
func (s *sealer) seal(kind byte, body []byte) ([]byte, error) {
	s.buf[0] = kind
	n := 1 + copy(s.buf[1:], body)
	record, err := s.state.Encrypt(s.buf[:0], nil, s.buf[:n])
	if err != nil {
		return nil, err
	}
	s.next()
	return record, nil
}

// opener reads records and joins what belongs together.
type opener struct {
	direction
	parts [][]byte // of a frame whose last part is to come
	size  int      // of all of them
}

// open reads one record in place. done says that frame is one, bye that this
// was the farewell.
func (o *opener) open(record []byte) (frame []byte, done, bye bool, err error) {
	if len(record) < 1+tagLen || len(record) > flynn.MaxMsgLen {
		return nil, false, false, fmt.Errorf("%w: a record of %d bytes", ErrTampered, len(record))
	}
	plain, err := o.state.Decrypt(record[:0], nil, record)
	if err != nil {
		return nil, false, false, ErrTampered
	}
	o.next()
	kind, body := plain[0], plain[1:]
	switch {
	case kind == kindFarewell && len(body) == 0 && o.size == 0:
		return nil, false, true, nil
	case kind == kindPart && len(body) > 0, kind == kindLast:
	default:
		return nil, false, false, fmt.Errorf("%w: a record of kind %d with %d bytes", ErrMalformed, kind, len(body))
	}
	switch {
	case o.size+len(body) > transport.MaxFrame:
		return nil, false, false, transport.ErrTooLarge
	case kind == kindPart:
		o.keep(body)
		return nil, false, false, nil
	case o.size == 0:
		return body, true, false, nil
	}
	return o.join(body), true, false, nil
}

// keep keeps a part where it lies, or behind the one before it where it is small: many small ones take no more memory than they
// have bytes, or twice that.
func (o *opener) keep(part []byte) {
	o.size += len(part)
	if n := len(o.parts); n > 0 && len(part) < maxPart/2 {
		o.parts[n-1] = append(o.parts[n-1], part...)
		return
	}
	o.parts = append(o.parts, part)
}

// join makes a frame of the parts that were kept and its last one.
func (o *opener) join(last []byte) []byte {
	o.parts = append(o.parts, last)
	frame := bytes.Join(o.parts, nil)
	clear(o.parts)
	o.parts, o.size = o.parts[:0], 0
	return frame
}
