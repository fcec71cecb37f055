package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/kdelta/kdelta/replica"
)

type startCmd struct {
	Targets []string `arg:"" optional:"" name:"target" help:"Nodes (ws://, wss://) to keep in sync with, beside the remembered ones."`
	Listen  string   `default:"127.0.0.1:8642" placeholder:"ADDR" help:"Where others reach this node (${default}); off: nowhere."`
	TLSCert string   `name:"tls-cert" placeholder:"FILE" help:"The certificate for wss://, as PEM."`
	TLSKey  string   `name:"tls-key" placeholder:"FILE" help:"Its key."`
	Host    []string `placeholder:"NAME" help:"A name by which others call this machine, beside localhost and its addresses."`
	Plain   bool     `help:"Allow ws:// to and from other machines."`
}

// Help is what --help adds.
func (startCmd) Help() string {
	return `Keeps this database in sync until it is ended (Ctrl-C, SIGTERM): what any process writes into the file is on the ` +
		`other devices a moment later. Links are encrypted under the space's key whatever carries them, and let its members in ` +
		`alone; TLS hides besides who talks with whom. kdelta status tells how the links are.`
}

func (c *startCmd) Run(ctx context.Context, a *app) error {
	for _, target := range c.Targets {
		if err := checkTarget(target, c.Plain); err != nil {
			return err
		}
		if !isAddress(target) {
			return usagef("%s is a file, which nobody can stay in touch with: kdelta sync %s", shorten(target, 60), shorten(target, 60))
		}
	}
	config, err := c.tls()
	if err != nil {
		return err
	}
	if err := c.checkListen(config != nil); err != nil {
		return err
	}
	return a.change(ctx, func(db *database) error {
		n, err := a.newNode(ctx, db)
		if err != nil {
			return err
		}
		n.plain, n.extra = c.Plain, c.Targets
		stop := func() error { return nil }
		if c.Listen != "off" {
			if stop, err = n.serve(c.Listen, config, c.Host); err != nil {
				return err
			}
		}
		if err := a.printNode(&n.says); err != nil {
			return errors.Join(err, stop())
		}
		return errors.Join(n.run(ctx), stop())
	})
}

// tls is what a wss:// listener needs, nil for a plain one.
func (c *startCmd) tls() (*tls.Config, error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, usagef("--tls-cert and --tls-key go together")
	}
	if c.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("%w: the certificate: %w", errInput, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

// checkListen refuses an address that can be none, and one that other machines reach without TLS, unless told.
func (c *startCmd) checkListen(secure bool) error {
	if c.Listen == "off" {
		return nil
	}
	addr, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return usagef("--listen %s: %v", shorten(c.Listen, 60), err)
	}
	if !secure && !c.Plain && !addr.IP.IsLoopback() {
		return usagef("other machines can reach %s: give --tls-cert and --tls-key, or say --plain", shorten(c.Listen, 60))
	}
	return nil
}

// printNode says that a node runs, and where.
func (a *app) printNode(n *nodeJSON) error {
	if a.asJSON {
		shape := *n
		shape.Links = []linkJSON{}
		if err := a.printJSON(shape); err != nil {
			return err
		}
		return a.flush()
	}
	if n.Listening == "" {
		a.notef("kdelta: running, not listening")
	} else {
		a.notef("kdelta: listening on %s", n.Listening)
	}
	return nil
}

// printLink says that a link stands elsewhere now.
func (a *app) printLink(db *database, line linkJSON, status replica.LinkStatus) {
	if a.asJSON {
		if err := a.printJSON(line); err == nil {
			_ = a.flush() // who reads the news of a node may go away; the node goes on
		}
		return
	}
	a.notef("kdelta: %s", linkText(line, db.author(context.Background(), status.Report.Peer)))
}

// linkText is a link in words; peer is what people call its other end.
func linkText(line linkJSON, peer string) string {
	text := line.Target
	switch {
	case line.Peer == "" && text == "":
		text = "somebody"
	case line.Peer != "" && text == "":
		text = peer
	case line.Peer != "":
		text += " (" + peer + ")"
	}
	text += "  " + line.State
	if line.Unacked > 0 {
		text += ", " + count(line.Unacked, "pack") + " under way"
	}
	if line.Cause != "" {
		text += ": " + line.Cause
	}
	return printable(text)
}
