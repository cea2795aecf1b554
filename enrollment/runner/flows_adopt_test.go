package runner_test

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// haveThree makes what a host may bring along: a token with its key, a key alone, and a token file with its key.
var haveThree = portal("have three servers from before", func(w *world) error {
	for _, name := range []string{"One", "Two", "Three"} {
		pair, err := w.maker.Pair(abmtoken.KeyOptions{Name: name, Now: w.clock.Now()})
		if err != nil {
			return err
		}
		service, err := w.admin.CreateService(name, pair.CertificatePEM())
		if err != nil {
			return err
		}
		file, _, err := w.admin.DownloadToken(service)
		if err != nil {
			return err
		}
		w.files = append(w.files, file)
		row := runner.Adoption{
			Tenant: "acme", Reference: "crm-" + name, Name: name,
			Keys: []runner.AdoptedKey{{Key: pair.PrivateKeyPEM(), Certificate: pair.CertificatePEM()}},
		}
		switch name {
		case "One":
			envelope, err := abmtoken.ReadEnvelope(file)
			if err != nil {
				return err
			}
			token, _, err := envelope.Open(pair)
			if err != nil {
				return err
			}
			row.Token, row.ServerUUID = token.JSON(), service.UUID()
		case "Three":
			row.TokenFile = file
		}
		w.adoption, w.services = append(w.adoption, row), append(w.services, service)
	}
	return nil
})

func rowsOf(rows []runner.Adoption) iter.Seq2[runner.Adoption, error] {
	return func(yield func(runner.Adoption, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

var (
	adopt = step{"adopt", func(ctx context.Context, w *world) error {
		total, err := w.Adopt(ctx, tech, rowsOf(w.adoption), nil)
		if err == nil && total.Refused > 0 {
			err = fmt.Errorf("%+v", total)
		}
		return err
	}}
	adoptAgain = step{"adopt what is there", func(ctx context.Context, w *world) error {
		total, err := w.Adopt(ctx, tech, rowsOf(w.adoption), nil)
		if err == nil && total != (runner.Adopted{Unchanged: 3}) {
			err = errors.New("adopting again changed something")
		}
		return err
	}}
)
