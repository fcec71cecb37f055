package replica_test

import (
	"context"
	"fmt"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/ws"
)

// dial makes an encrypted link to the device of r's space that listens at addr.
func dial(ctx context.Context, r *replica.Replica, addr string) (transport.Conn, error) {
	room, key, err := r.Room(ctx)
	if err != nil {
		return nil, err
	}
	link, err := new(ws.Dialer).Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return noise.Initiate(link, noise.Room(room), noise.Key(key))
}

// accept makes an encrypted link of the next one that somebody else makes, who has to be a member of r's space.
func accept(ctx context.Context, r *replica.Replica, listener transport.Listener) (transport.Conn, error) {
	room, key, err := r.Room(ctx)
	if err != nil {
		return nil, err
	}
	link, err := listener.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return noise.Respond(ctx, link, func(asked noise.Room) (noise.Key, bool) {
		return noise.Key(key), asked == noise.Room(room)
	})
}

// Two devices exchange once what each of them lacks, over an encrypted websocket.
func ExampleReplica_Sync() {
	ctx := context.Background()
	laptop := must(replica.Open(ctx, memory.New(), replica.Options{}))
	invite := must(laptop.Invite(ctx, replica.InviteOptions{}))
	phone := must(replica.Join(ctx, memory.New(), invite, replica.Options{}))
	must(laptop.Set(ctx, "notes/1", "from the laptop"))
	must(phone.Set(ctx, "notes/2", "from the phone"))

	listener := must(ws.Listen("127.0.0.1:0", ws.ListenOptions{}))
	answered := make(chan error)
	go func() {
		link, err := accept(ctx, laptop, listener)
		if err == nil {
			_, err = laptop.Sync(ctx, link)
		}
		answered <- err
	}()

	link := must(dial(ctx, phone, listener.Addr()))
	report := must(phone.Sync(ctx, link))
	check(<-answered)
	fmt.Println("sent", report.Sent, "received", report.Received, "equal", report.Equal)
	check(link.Close())
	check(listener.Close())
	// Output: sent 1 received 1 equal true
}

// Two devices stay in sync while they are linked. Whoever wants to know waits until another device holds a version durably.
func ExampleReplica_KeepLive() {
	ctx := context.Background()
	laptop := must(replica.Open(ctx, memory.New(), replica.Options{}))
	must(laptop.SetName(ctx, "laptop", "Ann")) // who has never written has no name to be counted by
	invite := must(laptop.Invite(ctx, replica.InviteOptions{}))
	phone := must(replica.Join(ctx, memory.New(), invite, replica.Options{}))

	listener := must(ws.Listen("127.0.0.1:0", ws.ListenOptions{}))
	ended := make(chan *replica.Live)
	go func() {
		link, err := accept(ctx, laptop, listener)
		check(err)
		ended <- laptop.SyncLive(ctx, link)
	}()
	live := phone.KeepLive(ctx, func(ctx context.Context) (transport.Conn, error) { // again whenever a link ends
		return dial(ctx, phone, listener.Addr())
	})

	v := must(phone.Set(ctx, "notes/1", "from the phone"))
	check(phone.WaitSynced(ctx, v, 1))
	var note string
	must(laptop.Get(ctx, "notes/1", &note))
	fmt.Println(note)

	check(live.Stop())
	<-(<-ended).Done()
	check(listener.Close())
	// Output: from the phone
}
