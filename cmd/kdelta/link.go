package main

import (
	"context"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/ws"
)

// handshakeTime bounds how long the making of an encrypted link takes.
const handshakeTime = 15 * time.Second

// dial makes an encrypted link to the node at target, as a member of the database's space.
func (db *database) dial(ctx context.Context, target string, plain bool) (transport.Conn, error) {
	room, key, err := db.Room(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	link, err := (&ws.Dialer{AllowPlain: plain}).Dial(ctx, dialled(target))
	if err != nil {
		return nil, err
	}
	return noise.Initiate(link, noise.Room(room), noise.Key(key))
}

// respond makes an encrypted link of one that somebody else has made, if that is a member of the database's space.
func (db *database) respond(ctx context.Context, link transport.Conn) (transport.Conn, error) {
	room, key, err := db.Room(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	secret, err := noise.Respond(ctx, link, func(asked noise.Room) (noise.Key, bool) {
		return noise.Key(key), asked == noise.Room(room)
	})
	if err != nil {
		return nil, err // a *noise.Conn that is nil must not become a Conn
	}
	return secret, nil
}
