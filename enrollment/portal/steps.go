package portal

import (
	"slices"
	"strconv"
	"strings"
)

// Options say for whom a guide is. The zero value gives a guide in general words for the newest Apple Business.
type Options struct {
	Generation Generation // empty: Newest
	Product    Product    // empty: Business

	Server       string // the name of the device management service; empty: general words
	Organization string // the name of the organization; empty: general words
	Certificate  string // the file name of the certificate to upload; empty: general words
	Devices      string // the file name of the list of serial numbers; empty: general words
}

// order has the steps of every task.
var order = map[Task][]StepID{
	Renew: {renewPrepare, renewSignIn, renewList, renewChoose, renewEdit, renewReplace, renewSave, renewDownload, renewUpload},
	Add: {addPrepare, addSignIn, addList, addNew, addName, addNoRelease, addCertificate, addSave, addDownload,
		addUpload},
	Push:   {pushPrepare, pushSignIn, pushRow, pushRenew, pushUpload, pushDownload, pushHandIn},
	Assign: {assignPrepare, assignSignIn, assignList, assignSelect, assignChoose, assignService, assignSave, assignReturn},
	Migrate: {migratePrepare, migrateSignIn, migrateList, migrateSelect, migrateChoose, migrateService, migrateDeadline, migrateSave,
		migrateReturn},
}

var titles = map[Task]string{
	Renew: "Renew the server token of {server} at {portal}",
	Add:   "Add {server} at {portal} and get its first server token",
	Push:  "Renew the push certificate of {organization} at {portal}",

	Assign:  "Assign devices to {server} at {portal}",
	Migrate: "Migrate devices to {server} at {portal}",
}

// replacing are the steps that the short way leaves out.
var replacing = map[StepID]bool{renewEdit: true, renewReplace: true, renewSave: true}

// Steps returns the guide for a task. The error, if any, is an [*UnknownError]. The caller owns the guide.
func Steps(task Task, o Options) (Guide, error) {
	task, err := known("task", task, "", Tasks())
	if err != nil {
		return Guide{}, err
	}
	generation, err := known("portal generation", o.Generation, Newest, Generations())
	if err != nil {
		return Guide{}, err
	}
	product, err := known("product", o.Product, Business, Products())
	if err != nil {
		return Guide{}, err
	}
	l, file := looks[product][generation], "certificate file"
	if task == Push {
		l, file, generation, product = pushLook, "file for the portal", "", ""
	}
	role := l.role
	if l.assigning != nil && (task == Assign || task == Migrate) {
		role = *l.assigning
	}
	server, organization, certificate, devices := clean(o.Server), clean(o.Organization), clean(o.Certificate), clean(o.Devices)
	w := words{
		"server":       orElse(quoted("", server), "the "+l.service),
		"name":         orElse(quoted("the name ", server), "a name"),
		"organization": orElse(organization, "the organization"),
		"certificate":  orElse(quoted("the "+file+" ", certificate), "the "+file),
		"devices":      orElse(quoted("the list of serial numbers ", devices), "the list of serial numbers"),
		"portal":       l.portal, "url": l.url, "service": l.service, "role": role.String(), "terms": l.terms, "replacing": replacingSteps(task),
	}
	g := Guide{
		Generation: generation, Product: product, Task: task, Role: role,
		Title: w.fill(titles[task]), Notes: w.fillAll(l.notes[task], notes[task]), Avoid: w.fillAll(avoid[task]),
		Args: map[string]string{
			"server": server, "organization": organization, "certificate": certificate, "devices": devices,
			"portal": l.portal, "url": l.url, "service": l.service,
		},
	}
	g.Role.Names = slices.Clone(role.Names)
	for _, id := range order[task] {
		w["path"] = joined(l.paths[id])
		sentence := sentences[id]
		if other, is := unlabelled[id]; is && len(l.paths[id]) == 0 {
			sentence = other
		}
		s := Step{
			ID: id, Text: w.fill(sentence), Path: slices.Clone(l.paths[id]),
			ReplacesCertificate: replacing[id], KillsToken: id == renewDownload,
		}
		if warning, is := warnings[id]; is {
			s.Warning = &Note{ID: warning.ID, Text: w.fill(warning.Text)}
		}
		g.Steps = append(g.Steps, s)
	}
	return g, nil
}

// replacingSteps gives the numbers of the steps that the short way leaves out, which follow each other: "5 to 7".
func replacingSteps(task Task) string {
	first, last := 0, 0
	for i, id := range order[task] {
		if !replacing[id] {
			continue
		}
		if last = i + 1; first == 0 {
			first = last
		}
	}
	return strconv.Itoa(first) + " to " + strconv.Itoa(last)
}

// String gives the role in words: "Administrator or Device Enrollment Manager".
func (r Role) String() string {
	var b strings.Builder
	for i, name := range r.Names {
		switch {
		case i == 0:
		case i == len(r.Names)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(name)
	}
	if r.Permission != "" {
		b.WriteString(", or any role with the permission to " + r.Permission)
	}
	return b.String()
}
