//go:build js && wasm

package main

import (
	"context"
	"errors"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// note is an application's own type: reading and writing it takes reflection.
type note struct {
	Text string   `json:"text"`
	Done bool     `json:"done"`
	Tags []string `json:"tags,omitempty"`
}

func main() {
	if err := run(context.Background()); err != nil {
		panic(err)
	}
}

func run(ctx context.Context) error {
	laptop, err := replica.Open(ctx, memory.New(), replica.Options{})
	if err != nil {
		return err
	}
	events := laptop.Watch(ctx, "notes/")
	invite, err := laptop.Invite(ctx, replica.InviteOptions{})
	if err != nil {
		return err
	}
	phone, err := replica.Join(ctx, memory.New(), invite, replica.Options{})
	if err != nil {
		return err
	}
	if err := write(ctx, laptop, phone); err != nil {
		return err
	}
	if err := settle(ctx, laptop, phone); err != nil {
		return err
	}
	if err := look(ctx, phone); err != nil {
		return err
	}
	if err := errors.Join(laptop.Close(), phone.Close()); err != nil {
		return err
	}
	for _, err := range events {
		if err != nil {
			return err
		}
	}
	return nil
}

// write leaves the two replicas with one note that both have changed.
func write(ctx context.Context, laptop, phone *replica.Replica) error {
	if _, err := laptop.Set(ctx, "notes/1", note{Text: "Milk"}); err != nil {
		return err
	}
	if _, _, err := replica.SyncPair(ctx, laptop, phone); err != nil {
		return err
	}
	for device, r := range map[string]*replica.Replica{"laptop": laptop, "phone": phone} {
		_, err := r.Update(ctx, func(tx *replica.Tx) error {
			var n note
			if _, err := tx.Get("notes/1", &n); err != nil {
				return err
			}
			n.Tags = append(n.Tags, device)
			return tx.Set("notes/1", n)
		}, replica.Message("tag"))
		if err != nil {
			return err
		}
	}
	_, _, err := replica.SyncPair(ctx, laptop, phone)
	return err
}

// settle resolves each conflict in favour of what is shown.
func settle(ctx context.Context, laptop, phone *replica.Replica) error {
	var open []replica.Conflict
	for c, err := range laptop.Conflicts(ctx, "") {
		if err != nil {
			return err
		}
		open = append(open, c)
	}
	if len(open) != 1 {
		return errors.New("want one conflict")
	}
	for _, c := range open {
		var n note
		if _, err := laptop.Get(ctx, c.Key, &n); err != nil {
			return err
		}
		if _, err := laptop.Resolve(ctx, c.Key, n); err != nil {
			return err
		}
	}
	_, _, err := replica.SyncPair(ctx, laptop, phone)
	return err
}

// look reads what there is and what there was.
func look(ctx context.Context, r *replica.Replica) error {
	for row, err := range r.List(ctx, "notes/") {
		if err != nil {
			return err
		}
		for entry, err := range r.Log(ctx, row.Key) {
			if err != nil {
				return err
			}
			then, err := r.ParsePoint(ctx, entry.Version.Name())
			if err != nil {
				return err
			}
			var n note
			if _, err := r.At(then).Get(ctx, row.Key, &n); err != nil {
				return err
			}
			if _, err := r.Diff(ctx, row.Key, then, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
