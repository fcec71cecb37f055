package main

import (
	"context"

	"github.com/kdelta/kdelta/identity"
)

type nameCmd struct {
	Device string `arg:"" optional:"" help:"What to call this device."`
	Person string `placeholder:"P" help:"Who writes on it."`
}

// nameJSON is what people call the author that writes here.
type nameJSON struct {
	Author string `json:"author"`
	Device string `json:"device"`
	Person string `json:"person"`
}

func (c *nameCmd) Run(ctx context.Context, a *app) error {
	if c.Device == "" && c.Person == "" {
		return a.read(ctx, func(db *database) error { return a.printName(ctx, db) })
	}
	return a.write(ctx, func(db *database) error {
		device, person, err := db.ownName(ctx)
		if err != nil {
			return err
		}
		if c.Device != "" {
			device = c.Device
		}
		if c.Person != "" {
			person = c.Person
		}
		if _, err := db.SetName(ctx, device, person); err != nil {
			return err
		}
		return a.printName(ctx, db)
	})
}

func (db *database) ownName(ctx context.Context) (device, person string, err error) {
	st, err := db.Status(ctx)
	if err != nil {
		return "", "", err
	}
	device, person = db.Name(ctx, st.Author)
	return device, person, nil
}

func (a *app) printName(ctx context.Context, db *database) error {
	st, err := db.Status(ctx)
	if err != nil {
		return err
	}
	device, person := db.Name(ctx, st.Author)
	if a.asJSON {
		return a.printJSON(nameJSON{Author: authorJSON(st.Author), Device: device, Person: person})
	}
	if st.Author == (identity.Author{}) {
		a.printf("no author yet: the first write makes one\n")
		return nil
	}
	line := a.version(st.Author.String())
	if device != "" {
		line += "  " + a.key(device)
	}
	if person != "" {
		line += "  " + printable(person)
	}
	a.printf("%s\n", line)
	return nil
}
