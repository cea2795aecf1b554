package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// services makes both servers, with their tokens, and the profile by which devices will enroll.
func (s *story) services(ctx context.Context) error {
	s.say(`Acme's MDM is given up. %d devices enrolled there have to come to a new one: without an erase where that is possible, with one
where it is not, and never without the new service being ready for them. Apple, both MDMs and the devices are fakes in this
process, the store is a file, and days pass in milliseconds; all between is the library.
`, s.devices)
	s.say("1. A new service at Apple, its token, and an enrollment profile.")
	var err error
	if s.oldServer, s.from, err = s.service(ctx, "Old MDM"); err != nil {
		return err
	}
	if s.newServer, s.to, err = s.service(ctx, "New MDM"); err != nil {
		return err
	}
	s.old.Serves(s.from, s.oldServer)
	s.new.Serves(s.to, s.newServer)
	if _, err := s.defineProfile(ctx, s.oldServer, s.old.URL()); err != nil {
		return err
	}
	if s.profile, err = s.defineProfile(ctx, s.newServer, s.new.URL()); err != nil {
		return err
	}
	account, err := s.admin.CreateAPIAccount()
	if err != nil {
		return err
	}
	_, err = s.acme().SetAPIAccount(ctx, tess, runner.APIAccountInput{
		ClientID: account.ClientID, KeyID: account.KeyID, PrivateKey: account.PrivateKey,
	})
	if err != nil {
		return err
	}
	if err := s.fill(s.devices); err != nil {
		return err
	}
	s.world.Advance(day / 2)
	s.say("  Both servers have a token that Apple accepts, and the API account that assigns devices is sealed in the store.")
	s.say("  What is assigned to the new one will enroll at %s.", s.new.URL())
	return nil
}

// service adds a server, creates its service at Apple's portal and uploads its first token.
func (s *story) service(ctx context.Context, name string) (enrollment.ServerID, *appletest.Service, error) {
	server, err := s.acme().AddServer(ctx, tess, runner.NewServer{Name: name})
	if err != nil {
		return "", nil, err
	}
	started, err := s.acme().StartRenewal(ctx, tess, server.ID)
	if err != nil {
		return "", nil, err
	}
	cert, err := s.acme().Certificate(ctx, tess, started.ID)
	if err != nil {
		return "", nil, err
	}
	service, err := s.admin.CreateService(name, cert.PEM)
	if err != nil {
		return "", nil, err
	}
	file, _, err := s.admin.DownloadToken(service)
	if err != nil {
		return "", nil, err
	}
	_, err = s.acme().UploadToken(ctx, tess, runner.Upload{Server: server.ID, Confirm: true, File: bytes.NewReader(file)})
	return server.ID, service, err
}

func (s *story) defineProfile(ctx context.Context, server enrollment.ServerID, url string) (uuid string, err error) {
	c, err := dep.NewClient(s.acme().Tokens(server), s.host.depOptions())
	if err != nil {
		return "", err
	}
	return c.DefineProfile(ctx, dep.Profile{Name: "Acme", URL: url, Magic: "acme", Supervised: true, Mandatory: true})
}

// rules turns wipes on, which takes two persons, and gives devices a week to migrate.
func (s *story) rules(ctx context.Context) error {
	s.say("\n2. The rules. Wipes are off; whoever turns them on needs somebody else.")
	on, week, days := true, deadline, 3*day
	soon := 5 * day
	set, err := s.acme().SetPolicy(ctx, tess, enrollment.PolicyChange{
		MigrationDeadline: &week, WipeAnswerWithin: &days, EnrollWithin: &soon, Wipes: &enrollment.WipeChange{On: &on},
	})
	if err != nil {
		return err
	}
	if set.Proposal == nil {
		return errors.New("one person alone turned wipes on")
	}
	s.say("  Tess's change is a proposal only, because it loosens %s.", set.Proposal.Loosened[0])
	if err := s.agreed(ctx, *set.Proposal); err != nil {
		return err
	}
	policy, err := s.acme().Policy(ctx)
	if err != nil || !policy.Wipes.On {
		return errors.Join(err, errors.New("the rules did not change"))
	}
	b := policy.Wipes
	s.say("  Bob agrees. At most %s; waves of %d, %d, %d and then %d%% of the plan.", budget(b.Budget), b.Waves[0], b.Waves[1], b.Waves[2], b.WaveShare)
	return nil
}

// agreed has Bob approve what Tess proposes, after she has tried to do it herself.
func (s *story) agreed(ctx context.Context, p runner.ProposalView) error {
	word := runner.Approved{Digest: p.Digest}
	_, err := s.acme().ApproveProposal(ctx, tess, p.ID, word)
	if !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeOwnApproval}) {
		return fmt.Errorf("the author approved the proposal: %w", err)
	}
	_, err = s.acme().ApproveProposal(ctx, bob, p.ID, word)
	return err
}

func budget(b []enrollment.Allowance) string {
	text := ""
	for i, a := range b {
		if i > 0 {
			text += " and "
		}
		text += fmt.Sprintf("%d wipes in any %v", a.Most, a.In)
	}
	return text
}
