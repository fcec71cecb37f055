package replica

import (
	"context"

	"github.com/kdelta/kdelta/identity"
)

// Room returns where members of this replica's space meet and the key that lets them in, for an encrypted link (package
// transport/noise). The id is no secret. ErrNoSpace before the first write or join.
func (r *Replica) Room(ctx context.Context) (id identity.RoomID, key identity.NoiseKey, err error) {
	err = r.view(ctx, func(s *snap) error {
		m, err := r.snapshot(s.tx)
		if err != nil {
			return err
		}
		if m.member.IsZero() {
			return ErrNoSpace
		}
		secret := m.member.Secret()
		id, key = secret.RoomID(s.space, m.member.Epoch()), secret.NoiseKey(s.space, m.member.Epoch())
		return nil
	})
	return id, key, err
}
