package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment/portal"
)

type steps struct {
	Task    portal.Task       `arg:"" placeholder:"renew|add|push|assign|migrate" help:"renew: a new token for a service that exists; add: a new service; push: a renewed push certificate; assign, migrate: devices go to another service, at once or by a deadline."`
	Portal  portal.Generation `placeholder:"YEAR" help:"The look of the portal: 2026, 2025 or 2024 (the newest)."`
	Product portal.Product    `placeholder:"PRODUCT" help:"business or school (business)."`
	Name    string            `placeholder:"NAME" help:"The name of the service at the portal."`
	Short   bool              `help:"Without replacing the certificate, where its key is still held."`
}

func (c *steps) subject() subject { return subject{ID: string(c.Task)} }

type guideAnswer struct {
	subject
	portal.Guide
}

func (a guideAnswer) text(w io.Writer) { fmt.Fprint(w, a.Text()) }

func (c *steps) do(context.Context, *host) (answer, error) {
	guide, err := portal.Steps(c.Task, portal.Options{Generation: c.Portal, Product: c.Product, Server: c.Name})
	if err != nil {
		return nil, unknownSteps(err)
	}
	if c.Short {
		guide = guide.ShortWay()
	}
	return guideAnswer{c.subject(), guide}, nil
}

// unknownSteps says which steps there are.
func unknownSteps(err error) error {
	if unknown, ok := errors.AsType[*portal.UnknownError](err); ok {
		return wrong(unknown.What, "one of "+strings.Join(unknown.Known, ", ")).Because(err)
	}
	return err
}
