package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// signedNamespace keeps a signature that was made for something else from being an approval (ssh-keygen -Y sign -n).
const signedNamespace = "abmrenew"

// signedText is exactly what a person signs: who approves what, and by which digest. The digest stands for everything in it.
func signedText(c enrollment.ApprovalClaim) string {
	return strings.Join([]string{
		"abmrenew approval v1", "of: " + ofWhom(c.Tenant), "subject: " + c.Subject, "digest: " + c.Digest, "by: " + c.By.ID, "",
	}, "\n")
}

type approvalText struct {
	ID string `arg:"" name:"plan-or-proposal" placeholder:"PLAN-or-PROPOSAL" help:"What is to be approved."`
}

// Help is shown with --help.
func (*approvalText) Help() string {
	return `With --approvers an approval counts only with a signature by a key that only this person has:

    abmctl approval text PLAN > word.txt
    ssh-keygen -Y sign -n abmrenew -f ~/.ssh/id_ed25519 word.txt
    abmctl --approvers FILE migrate approve PLAN --digest DIGEST --signature word.txt.sig

The text holds the digest of the plan or proposal as it is now, so look at that first. FILE is in OpenSSH's format of
allowed_signers: a line for each person, with the name that they give with --actor, and their public key.`
}

func (c *approvalText) subject() subject { return aboutApproved(c.ID) }

type approvalTextAnswer struct {
	subject
	Namespace string `json:"namespace"`
	Digest    string `json:"digest"`
	Text      string `json:"text"`
}

func (a approvalTextAnswer) text(w io.Writer) { fmt.Fprint(w, a.Text) }

func (c *approvalText) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	claim := enrollment.ApprovalClaim{Tenant: h.Tenant, Subject: c.ID, By: h.actor()}
	if isPlan(c.ID) {
		view, err := h.tenant().Plan(ctx, h.actor(), enrollment.PlanID(c.ID))
		if err != nil {
			return nil, err
		}
		claim.Digest = view.Digest
	} else {
		_, view, err := h.proposal(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		claim.Tenant, claim.Digest = view.Tenant, view.Digest
	}
	if claim.Digest == "" {
		return nothing{c.subject()}, enrollment.NewProblem(enrollment.CodeRefused, "state", "without devices",
			"next", "There is nothing to approve yet: the plan's list is not complete")
	}
	return approvalTextAnswer{c.subject(), signedNamespace, claim.Digest, signedText(claim)}, nil
}

// aboutApproved is the subject of a command that names a plan or a proposal.
func aboutApproved(id string) subject {
	if isPlan(id) {
		return aboutPlan(id)
	}
	return subject{ID: id}
}

// signature reads the file of a signature, if there is one.
func (h *host) signature(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return h.readInput(path, enrollment.MaxSignature)
}
