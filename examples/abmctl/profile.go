package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type profileDefine struct {
	ID   string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
	File string `arg:"" placeholder:"FILE.json" help:"The profile in Apple's words (profile_name, url, org_magic, ...); - is standard input."`
}

// Help is shown with --help.
func (*profileDefine) Help() string {
	return `Gives Apple the enrollment profile by which devices enroll that move to this server, after an erase or at their deadline.
url is where the new MDM enrolls them. A profile cannot be changed: define another one. Plans keep the one that they were
approved with.

    {"profile_name": "Acme", "url": "https://mdm.example.com/enroll", "org_magic": "...", "is_supervised": true}`
}

func (c *profileDefine) subject() subject { return about(c.ID) }

// maxProfileFile is more than the library reads, so that it says what is too large.
const maxProfileFile = 2 << 20

func (c *profileDefine) do(ctx context.Context, h *host) (answer, error) {
	text, err := h.readInput(c.File, maxProfileFile)
	if err != nil {
		return nil, err
	}
	profile, err := dep.ReadProfile(text)
	if err != nil {
		return nil, appleTrouble(err, enrollment.Server{})
	}
	return h.onProfile(ctx, c.ID, func(ctx context.Context, v runner.ServerView, client *dep.Client) (dep.Profile, error) {
		uuid, err := client.DefineProfile(ctx, profile)
		profile.UUID = uuid
		return profile, err
	})
}

type profileUse struct {
	ID   string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
	UUID string `arg:"" placeholder:"UUID" help:"The UUID that Apple gave the profile."`
}

func (c *profileUse) subject() subject { return about(c.ID) }

func (c *profileUse) do(ctx context.Context, h *host) (answer, error) {
	return h.onProfile(ctx, c.ID, func(ctx context.Context, _ runner.ServerView, client *dep.Client) (dep.Profile, error) {
		return client.Profile(ctx, c.UUID)
	})
}

// onProfile gets a profile at Apple and notes it as the one that moved devices get.
func (h *host) onProfile(
	ctx context.Context, name string, get func(context.Context, runner.ServerView, *dep.Client) (dep.Profile, error),
) (answer, error) {
	view, client, err := h.openService(ctx, name)
	if err != nil {
		return failedAnswer(about(string(view.ID))), err
	}
	done := h.waiting("Asking Apple")
	profile, err := get(ctx, view, client)
	done()
	if err != nil {
		return failedAnswer(about(string(view.ID))), appleTrouble(err, view.Server)
	}
	view, err = h.tenant().SetProfile(ctx, h.actor(), view.ID, enrollment.ADEProfile{UUID: profile.UUID, Name: profile.Name, URL: cmp.Or(profile.URL, profile.WebURL)})
	if err != nil {
		return failedAnswer(about(string(view.ID))), err
	}
	return aboutProfile(view, &profile), nil
}

// openService opens the store, finds a server and the client of its device assignment service.
func (h *host) openService(ctx context.Context, name string) (runner.ServerView, *dep.Client, error) {
	none := runner.ServerView{}
	none.ID = enrollment.ServerID(name)
	if err := h.open(ctx, reads); err != nil {
		return none, nil, err
	}
	id, err := h.server(ctx, name)
	if err != nil {
		return none, nil, err
	}
	view, err := h.tenant().Server(ctx, id)
	switch {
	case err != nil:
		return none, nil, err
	case view.Retired():
		return view, nil, enrollment.NewProblem(enrollment.CodeRetired)
	case view.Token == nil:
		return view, nil, trouble(view)
	}
	client, err := h.clients.service(serviceOf(view))
	return view, client, err
}

// serviceOf names a server's service at Apple for the ports.
func serviceOf(v runner.ServerView) enrollment.Service {
	return enrollment.Service{Tenant: v.Tenant, Server: v.ID, UUID: v.Pin.ServerUUID, Name: v.Name}
}

type profileShow struct {
	ID string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
}

func (c *profileShow) subject() subject { return about(c.ID) }

func (c *profileShow) do(ctx context.Context, h *host) (answer, error) {
	view, client, err := h.openService(ctx, c.ID)
	if err != nil {
		return failedAnswer(about(string(view.ID))), err
	}
	if view.Profile == nil {
		problem := enrollment.NewProblem(enrollment.CodeTargetNoProfile, "service", view.Name)
		problem.Next = "Define it: abmctl profile define " + string(view.ID) + " FILE.json"
		return failedAnswer(about(string(view.ID))), problem
	}
	done := h.waiting("Asking Apple")
	profile, err := client.Profile(ctx, view.Profile.UUID)
	done()
	if err != nil {
		return aboutProfile(view, nil), appleTrouble(err, view.Server)
	}
	return aboutProfile(view, &profile), nil
}

// profileAnswer is the enrollment profile of a server, as it is noted here and as Apple has it.
type profileAnswer struct {
	subject
	enrollment.ADEProfile
	Apple *appleProfile `json:"at_apple,omitempty"`
}

// appleProfile are the parts of a profile that decide what becomes of a device.
type appleProfile struct {
	Name            string   `json:"profile_name"`
	URL             string   `json:"url,omitempty"`
	WebURL          string   `json:"configuration_web_url,omitempty"`
	Supervised      bool     `json:"is_supervised"`
	Mandatory       bool     `json:"is_mandatory"`
	Removable       bool     `json:"is_mdm_removable"`
	MultiUser       bool     `json:"is_multi_user"`
	AwaitConfigured bool     `json:"await_device_configured"`
	SkipItems       []string `json:"skip_setup_items,omitempty"`
}

func aboutProfile(v runner.ServerView, p *dep.Profile) profileAnswer {
	a := profileAnswer{subject: about(string(v.ID)), ADEProfile: *v.Profile}
	if p != nil {
		a.Apple = &appleProfile{
			Name: p.Name, URL: p.URL, WebURL: p.WebURL, Supervised: p.Supervised, Mandatory: p.Mandatory,
			Removable: !p.NotRemovable, MultiUser: p.MultiUser, AwaitConfigured: p.AwaitConfigured, SkipItems: p.SkipItems,
		}
	}
	return a
}

func (a profileAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "server    %s\nprofile   %s\nname      %s\nurl       %s\nset       %s by %s\n",
		a.Server, a.UUID, a.Name, a.URL, day(a.SetAt), a.SetBy.ID)
	if p := a.Apple; p != nil {
		fmt.Fprintf(w, "at Apple  supervised %s, mandatory %s, removable %s, Shared iPad %s\n",
			onOff(p.Supervised), onOff(p.Mandatory), onOff(p.Removable), onOff(p.MultiUser))
	}
}
