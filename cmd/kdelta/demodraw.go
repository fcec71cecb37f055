package main

import (
	"context"
	"strings"

	"github.com/kdelta/kdelta/replica"
)

// A lane is what one author wrote, oldest first.
type lane []replica.LogEntry

// draw shows the graph of versions since the two parted: a lane each, the newest at the bottom, where the next version of either
// will join them.
func (d *demo) draw(ctx context.Context) error {
	left, err := ownLane(ctx, d.laptop)
	if err != nil {
		return err
	}
	right, err := ownLane(ctx, d.phone)
	if err != nil {
		return err
	}
	const width = 36
	branch := strings.Repeat("─", width-1)
	d.printf("   %s\n   %s\n", d.faint("●  what both have"), d.faint("├"+branch+"┐"))
	for i := range max(len(left), len(right)) {
		plain, painted := d.node(ctx, d.laptop, left, i)
		_, other := d.node(ctx, d.phone, right, i)
		d.printf("   %s%s\n", padded(painted, plain, width), other)
	}
	d.printf("   %s\n", d.faint("├"+branch+"┘"))
	return nil
}

// ownLane is the newest that a database has written by itself: the play's lines.
func ownLane(ctx context.Context, db *database) (lane, error) {
	st, err := db.Status(ctx)
	if err != nil {
		return nil, err
	}
	var own lane
	for entry, err := range db.Log(ctx, "", replica.LogQuery{Author: st.Author.String(), Limit: 4}) {
		if err != nil {
			return nil, err
		}
		own = append(lane{entry}, own...)
	}
	return own, nil
}

// node is one version of a lane, as it shows and as it is coloured.
func (d *demo) node(ctx context.Context, db *database, l lane, i int) (plain, painted string) {
	if i >= len(l) {
		return "", ""
	}
	name := db.versionName(ctx, l[i].Version)
	return "●  " + name + "  " + l[i].Message, "●  " + d.version(name) + "  " + printable(l[i].Message)
}
