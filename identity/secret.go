package identity

import (
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/kdelta/kdelta/internal/canon"
)

// EpochSecret is the secret that all members of an epoch share, readers
// included. It is used for nothing itself: what it is needed for derives from
// it by HKDF-SHA-256 (RFC 5869) without salt, with the key's domain followed by the
// canonical array [space, epoch] as info, 32 bytes long.
type EpochSecret [32]byte

// What derives from an epoch's secret. No key tells anything of another or of
// the secret, so a relay may be given a room's id and read key and still reads
// no pack.
type (
	// NoiseKey is the pre-shared key of a session between members.
	NoiseKey [32]byte
	// RoomID names the space's room on a relay. It is no secret.
	RoomID [32]byte
	// RoomReadKey is the seed of the Ed25519 key with which a member asks a
	// relay for what the room holds.
	RoomReadKey [32]byte
	// PackKey encrypts pack bodies.
	PackKey [32]byte
)

// The HKDF labels, in the form of signing domains.
const (
	labelNoise    Domain = "kdelta/noise/0"
	labelRoom     Domain = "kdelta/room/0"
	labelRoomRead Domain = "kdelta/room-read/0"
	labelPack     Domain = "kdelta/pack/0"
)

// NoiseKey returns the key of sessions in this epoch.
func (s EpochSecret) NoiseKey(space Space, epoch Epoch) NoiseKey {
	return s.derive(labelNoise, space, epoch)
}

// RoomID returns the id of the relay room of this epoch.
func (s EpochSecret) RoomID(space Space, epoch Epoch) RoomID {
	return s.derive(labelRoom, space, epoch)
}

// RoomReadKey returns the seed of the key that reads the room of this epoch.
func (s EpochSecret) RoomReadKey(space Space, epoch Epoch) RoomReadKey {
	return s.derive(labelRoomRead, space, epoch)
}

// PackKey returns the key of pack bodies in this epoch.
func (s EpochSecret) PackKey(space Space, epoch Epoch) PackKey {
	return s.derive(labelPack, space, epoch)
}

// String hides the secret, and so do the verbs %v, %s, %q, %x and %#v.
func (s EpochSecret) String() string { return "EpochSecret(hidden)" }

// GoString is String: %#v must not show the secret either.
func (s EpochSecret) GoString() string { return s.String() }

// hiddenSecret holds a secret inside the values that print. It is used by
// pointer, for the reason given at keyPair.
type hiddenSecret struct{ secret *EpochSecret }

func hide(secret EpochSecret) *hiddenSecret { return &hiddenSecret{&secret} }

// derive cannot fail: HKDF refuses lengths above 255 hashes only.
func (s EpochSecret) derive(label Domain, space Space, epoch Epoch) (out [32]byte) {
	info := canon.AppendArray([]byte(label), 2)
	info = canon.AppendBytes(info, space[:])
	info = canon.AppendUint(info, uint64(epoch))
	key, err := hkdf.Key(sha256.New, s[:], nil, string(info), len(out))
	if err != nil {
		panic("identity: HKDF refused a constant length: " + err.Error())
	}
	copy(out[:], key)
	return out
}
