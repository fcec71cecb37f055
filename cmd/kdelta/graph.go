package main

import (
	"context"
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/replica"
)

// laneStyles are the colours of lanes, one after the other.
var laneStyles = [...]lipgloss.Style{
	lipgloss.NewStyle().Foreground(lipgloss.Red),
	lipgloss.NewStyle().Foreground(lipgloss.Green),
	lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	lipgloss.NewStyle().Foreground(lipgloss.Blue),
	lipgloss.NewStyle().Foreground(lipgloss.Magenta),
	lipgloss.NewStyle().Foreground(lipgloss.Cyan),
}

// A graph prints the log with the graph of its versions beside it, a line for each version.
type graph struct {
	a     *app
	db    *database
	lanes *lanes[clock.ID]
}

func newGraph(a *app, db *database) *graph {
	return &graph{a: a, db: db, lanes: newLanes[clock.ID]()}
}

// print prints the next version of the log and the joints beneath it.
func (g *graph) print(ctx context.Context, e *replica.GraphEntry) {
	below := make([]clock.ID, len(e.Below))
	for i, v := range e.Below {
		below[i] = v.ID
	}
	drawn := g.lanes.add(e.ID, below, !e.Hidden)
	if drawn.node != nil {
		painted, width := g.paint(drawn.node)
		g.a.printf("%s%s\n", painted, g.say(ctx, e, width))
	}
	if drawn.joints != nil {
		painted, _ := g.paint(drawn.joints)
		g.a.printf("%s\n", strings.TrimRight(painted, " "))
	}
}

// say is the line of a version, fit for what is left of the terminal beside used columns.
func (g *graph) say(ctx context.Context, e *replica.GraphEntry, used int) string {
	name, when := g.db.versionName(ctx, e.Version), timeHuman(e.Wall())
	line := g.a.version(name) + "  " + g.a.faint(when)
	used += columns(name) + len(when) + 2
	if e.Message != "" {
		line += "  " + g.a.strong(e.Message)
		used += columns(e.Message) + 2
	}
	if len(e.Ops) == 0 {
		return line
	}
	op, rest := e.Ops[0], ""
	if more := len(e.Ops) - 1; more > 0 {
		rest = fmt.Sprintf(" and %d more", more)
	}
	line += "  " + g.a.faint(op.Op) + " " + g.a.key(op.Key)
	used += columns(op.Op) + columns(op.Key) + len(rest) + 4
	if what := operand(&op); what != "" {
		line += " " + g.a.oneLine([]byte(what), used)
	}
	return line + g.a.faint(rest)
}

// paint is a row of the drawing, and how many columns it takes. On a terminal it takes half of the width at most; what is
// beyond that is an ellipsis, with the version that stands there behind it.
func (g *graph) paint(row []cell) (painted string, width int) {
	var b strings.Builder
	shown := len(row)
	if most := g.a.width / 4; g.a.width > 0 && shown > most {
		shown = max(most-1, 1)
	}
	for _, c := range row[:shown] {
		b.WriteString(g.colour(c.colour, c.glyph()))
		if c.over {
			b.WriteString(g.colour(c.side, "─"))
		} else {
			b.WriteByte(' ')
		}
	}
	if hidden := row[shown:]; len(hidden) > 0 {
		beyond := "… "
		for _, c := range hidden {
			if c.node {
				beyond = "…" + c.glyph() + " "
			}
		}
		b.WriteString(g.a.faint(beyond))
		return b.String(), 2*shown + columns(beyond)
	}
	return b.String(), 2 * shown
}

func (g *graph) colour(n int, s string) string {
	if s == " " || !g.a.styled() {
		return s
	}
	return laneStyles[n%len(laneStyles)].Render(s)
}
