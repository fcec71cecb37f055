package noise

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	flynn "github.com/flynn/noise"
)

// Key is the shared secret of a room. It does not print.
type Key [32]byte

// String hides the key.
func (Key) String() string { return "Key(hidden)" }

// GoString is String: %#v must not show the key either.
func (k Key) GoString() string { return k.String() }

// Room is the public id of a room.
type Room [32]byte

// Keys finds the key of a room, false if this end has none. It may be called
// by several goroutines at once.
type Keys func(Room) (Key, bool)

// Version is the protocol of this package, in the preamble.
const Version = 0

// The wire format of the handshake.
const (
	magic       = "kdnoise"
	preambleLen = len(magic) + 1 + len(Room{})
	publicLen   = 32
	tagLen      = 16

	accepted       = 0 // first byte of the responder's message; the rest is Noise
	refusedVersion = 1 // the responder's version follows
	refusedKey     = 2
)

// MaxFirst is the largest first frame of an end, in bytes.
const MaxFirst = flynn.MaxMsgLen - publicLen - tagLen - 1

// protocolName names the handshake; it is hashed into every link.
const protocolName = "Noise_NNpsk0_25519_ChaChaPoly_SHA256"

func preamble(version byte, room Room) []byte {
	b := append([]byte(magic), version)
	return append(b, room[:]...)
}

// parsePreamble takes the preamble off the first message.
func parsePreamble(message []byte) (version byte, room Room, rest []byte, err error) {
	if len(message) > preambleLen+flynn.MaxMsgLen {
		return 0, Room{}, nil, fmt.Errorf("%w: a first message of %d bytes", ErrMalformed, len(message))
	}
	rest, ok := bytes.CutPrefix(message, []byte(magic))
	if !ok || len(rest) < 1 {
		return 0, Room{}, nil, fmt.Errorf("%w: no preamble", ErrMalformed)
	}
	version, rest = rest[0], rest[1:]
	if version != Version { // what follows is that version's own affair
		return version, Room{}, nil, nil
	}
	if len(rest) < len(room)+publicLen+tagLen {
		return 0, Room{}, nil, fmt.Errorf("%w: the first message was cut", ErrMalformed)
	}
	return version, Room(rest[:len(room)]), rest[len(room):], nil
}

// handshake is one end of a Noise handshake that tells its hash before each
// payload. The library tells it after only, and a signature inside the payload
// cannot cover what comes after itself; so the step between is done here. It is
// one application of the hash, and the tests hold it to the library's.
type handshake struct {
	state *flynn.HandshakeState
	key   Key
	clear []byte // the preamble
	own   freshKey
}

func newHandshake(initiator bool, clear []byte, key Key, random io.Reader) (*handshake, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("noise: randomness: %w", err)
	}
	private, err := ecdh.X25519().NewPrivateKey(seed[:])
	if err != nil {
		return nil, fmt.Errorf("noise: fresh key: %w", err)
	}
	own := freshKey{flynn.DH25519, private}
	h := &handshake{key: key, clear: clear, own: own}
	h.state, err = flynn.NewHandshakeState(flynn.Config{
		CipherSuite:  flynn.NewCipherSuite(own, flynn.CipherChaChaPoly, flynn.HashSHA256),
		Pattern:      flynn.HandshakeNN,
		Initiator:    initiator,
		Prologue:     clear,
		PresharedKey: key[:],
	})
	if err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	return h, nil
}

// freshKey is the library's X25519 for one handshake, whose fresh key is made already: the library would make it again, and
// derive it a third time when it uses it, which is half of what the handshake takes.
type freshKey struct {
	flynn.DHFunc
	private *ecdh.PrivateKey
}

// public is what the other end gets.
func (k freshKey) public() []byte { return k.private.PublicKey().Bytes() }

// GenerateKeypair implements flynn.DHFunc.
func (k freshKey) GenerateKeypair(io.Reader) (flynn.DHKey, error) {
	return flynn.DHKey{Private: k.private.Bytes(), Public: k.public()}, nil
}

// DH implements flynn.DHFunc. The private key is always the fresh one.
func (k freshKey) DH(_, public []byte) ([]byte, error) {
	peer, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return k.private.ECDH(peer)
}

// beforeFirst is the handshake hash before the payload of message 1, whose
// tokens are psk and e (sections 5.2 and 9.2).
func (h *handshake) beforeFirst(fresh []byte) [32]byte {
	chain := sha256.Sum256([]byte(protocolName)) // longer than a hash, so hashed
	sum := mix(chain[:], h.clear)
	out, err := hkdf.Key(sha256.New, h.key[:], chain[:], "", 3*sha256.Size)
	if err != nil {
		panic(err) // lengths above 255 hashes only
	}
	sum = mix(sum[:], out[sha256.Size:2*sha256.Size])
	return mix(sum[:], fresh)
}

// beforeSecond is the handshake hash before the payload of message 2, whose
// tokens are e and ee; ee leaves the hash alone. It holds once message 1 was
// written or read.
func (h *handshake) beforeSecond(fresh []byte) [32]byte {
	return mix(h.state.ChannelBinding(), fresh)
}

// mix is MixHash.
func mix(sum, data []byte) [32]byte {
	h := sha256.New()
	h.Write(sum)
	h.Write(data)
	return [32]byte(h.Sum(nil))
}

// firstFrame reads the payload of a handshake message.
func firstFrame(payload []byte) ([]byte, error) {
	if len(payload) == 0 || payload[0] != kindLast {
		return nil, fmt.Errorf("%w: no frame in the handshake", ErrMalformed)
	}
	return payload[1:], nil
}
