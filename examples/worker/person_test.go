package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// renewThroughWorkers takes a person through a renewal whose every effect is a worker's to do: the key pair, if a new one is
// wanted, and the check of the file at Apple.
func (c *customer) renewThroughWorkers(ctx context.Context, newKey bool) error {
	t := c.s.tenant(c.tenant)
	run, err := patiently(func() (runner.RenewalView, error) { return t.StartRenewal(ctx, tess, c.server) })
	if err != nil && enrollment.ProblemOf(err).Code != enrollment.CodeStillWorking {
		return fmt.Errorf("starting: %w", err)
	}
	if newKey {
		var cert runner.Certificate
		err := c.until(ctx, func() (bool, error) {
			cert, err = t.Certificate(ctx, tess, run.ID)
			return err == nil, err
		})
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		if err := c.admin.ReplaceCertificate(c.service, cert.PEM); err != nil {
			return err
		}
	}
	file, _, err := c.admin.DownloadToken(c.service)
	if err != nil {
		return err
	}
	err = c.until(ctx, func() (bool, error) {
		v, err := t.UploadToken(ctx, tess, runner.Upload{Server: c.server, Confirm: true, File: bytes.NewReader(file)})
		return v.State == renewal.Completed || v.State == renewal.Verifying, err
	})
	if err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	asked := time.Now()
	err = c.until(ctx, func() (bool, error) {
		if time.Since(asked) > 3*time.Second { // Apple has failed several times; people do not wait for the next attempt
			asked = time.Now()
			_, _ = t.Recheck(ctx, tess, run.ID)
		}
		v, err := t.Renewal(ctx, tess, run.ID)
		if err == nil && !v.State.Live() && v.State != renewal.Completed {
			return false, fmt.Errorf("it ended as %s: %w", v.State, v.Problem)
		}
		return v.State == renewal.Completed, err
	})
	if err != nil {
		return fmt.Errorf("waiting: %w", err)
	}
	return nil
}

// until asks until it is so. What may be asked again is.
func (c *customer) until(ctx context.Context, is func() (bool, error)) error {
	for end := time.Now().Add(time.Minute); ; wait(ctx, 20*time.Millisecond) {
		done, err := is()
		problem := enrollment.ProblemOf(err)
		switch {
		case done:
			return nil
		case err != nil && (problem == nil || !problem.Retry):
			return err
		case time.Now().After(end):
			return errors.Join(errors.New("it takes too long"), err)
		}
	}
}
