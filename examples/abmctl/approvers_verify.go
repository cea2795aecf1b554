package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"

	"github.com/abmrenew/abmrenew/enrollment"
)

// approvalFlags say whose word counts.
type approvalFlags struct {
	Approvers string `placeholder:"FILE" env:"ABMCTL_APPROVERS" help:"Who may approve, by their SSH keys: approvals count only with a signature; see abmctl approval text --help."`
}

// signatures are approvals by SSH keys: an [enrollment.ApprovalVerifier].
type signatures struct {
	approvers []approver
	now       func() time.Time
}

// VerifyApproval implements [enrollment.ApprovalVerifier].
func (s signatures) VerifyApproval(_ context.Context, c enrollment.ApprovalClaim) error {
	if len(c.Signature) == 0 {
		return errors.New("there is no signature")
	}
	signed, err := sshsig.Unarmor(c.Signature)
	if err != nil {
		return fmt.Errorf("this is no signature of ssh-keygen: %w", err)
	}
	known := false
	for _, a := range s.approvers {
		if a.name != c.By.ID {
			continue
		}
		known = true
		if a.valid(s.now()) && sshsig.Verify(strings.NewReader(signedText(c)), signed, a.key, signed.HashAlgorithm, signedNamespace) == nil {
			return nil
		}
	}
	if !known {
		return errors.New(c.By.ID + " is not among the approvers")
	}
	return errors.New("the signature is not one of " + c.By.ID + " over this text: abmctl approval text " + c.Subject)
}

// verifierOfApprovals is what --approvers asks for; nil: the login on this machine is believed.
func (h *host) verifierOfApprovals() (enrollment.ApprovalVerifier, error) {
	if h.Approvers == "" {
		return nil, nil
	}
	text, err := h.readInput(h.Approvers, maxApprovers)
	if err != nil {
		return nil, err
	}
	approvers, err := parseApprovers(text)
	if err != nil || len(text) > maxApprovers {
		problem := wrong("approvers", "a file in OpenSSH's format of allowed_signers").Because(err)
		problem.Next = "Mend the file " + h.Approvers + ": " + fmt.Sprint(err)
		return nil, problem
	}
	return signatures{approvers, h.now}, nil
}
