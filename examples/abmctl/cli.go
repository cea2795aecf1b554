package main

import (
	"github.com/abmrenew/abmrenew/enrollment"
)

// flags may stand before the command, or behind it.
type flags struct {
	Store    string              `placeholder:"FILE" default:"abmrenew.db" help:"The store file (${default})."`
	Keyring  string              `placeholder:"FILE" help:"The file of master keys that seal the store; made on first use (STORE.keyring)."`
	Tenant   enrollment.TenantID `placeholder:"T" default:"default" help:"The customer (${default})."`
	Site     enrollment.SiteID   `placeholder:"S" help:"The customer's site."`
	Actor    string              `placeholder:"NAME" help:"Who does this, for the audit (the user of the operating system)."`
	JSON     bool                `name:"json" help:"One JSON object or array on standard output, and nothing else there."`
	Quiet    bool                `help:"Say nothing but errors."`
	DEPURL   string              `name:"dep-url" placeholder:"URL" help:"Another device assignment service on this machine, for tests; plain http is accepted."`
	APNSURL  string              `name:"apns-url" placeholder:"URL" help:"Another push service on this machine, for tests: https and a loopback address."`
	CA       string              `name:"ca" placeholder:"FILE" help:"Certificates (PEM) to trust for --dep-url, --axm-url, --apns-url and --nanomdm-url."`
	Account  enrollment.TenantID `name:"push-account" placeholder:"T" default:"account" help:"The tenant whose push certificate serves every tenant without one of its own (${default})."`
	AXMURL   string              `name:"axm-url" placeholder:"URL" help:"Another Apple Business API on this machine, for tests; plain http is accepted."`
	AXMToken string              `name:"axm-token-url" placeholder:"URL" help:"Its token endpoint."`
	nanomdmFlags
	approvalFlags
}

// cli is every command.
type cli struct {
	flags

	Token struct {
		Keygen  tokenKeygen  `cmd:"" help:"Make a key pair: NAME.key.pem and NAME.pem, the certificate for Apple's portal."`
		Inspect tokenInspect `cmd:"" help:"Say what is inside a server token file."`
	} `cmd:"" help:"Key pairs and token files, without a store."`

	Server struct {
		Add    serverAdd    `cmd:"" help:"Add a server and start its first renewal."`
		List   serverList   `cmd:"" help:"List the servers with the health of their tokens, what expires first on top."`
		Show   serverShow   `cmd:"" help:"Show one server."`
		Check  serverCheck  `cmd:"" help:"Ask Apple now whether a token lives."`
		Retire serverRetire `cmd:"" help:"Put a server out of use for good."`
	} `cmd:"" help:"The servers whose tokens are renewed."`

	Renew struct {
		Start       renewStart       `cmd:"" help:"Begin to renew a server's token, or show the renewal under way."`
		Certificate renewCertificate `cmd:"" help:"Write the public key certificate to upload at Apple's portal."`
		Upload      renewUpload      `cmd:"" help:"Take the token file (.p7m) that was downloaded at Apple's portal."`
		Confirm     renewConfirm     `cmd:"" help:"Confirm that the uploaded token belongs to the right organization and service."`
		Show        renewShow        `cmd:"" help:"Show a renewal."`
		Cancel      renewCancel      `cmd:"" help:"Give a renewal up."`
		Recheck     renewRecheck     `cmd:"" help:"Repeat now the check that holds a renewal up."`
	} `cmd:"" help:"Renew a server's token."`

	Push struct {
		Import pushImport `cmd:"" help:"Take a push certificate and its key that are in use already."`
		List   pushList   `cmd:"" help:"List the push certificates with their health, what expires first on top."`
		Show   pushShow   `cmd:"" help:"Show the tenant's push certificate, with every single check."`
		Check  pushCheck  `cmd:"" help:"Check it now, and ask Apple whether it accepts it."`
		Renew  struct {
			Start   pushRenewStart   `cmd:"" help:"Begin to renew it, or to get the first one, or show the renewal under way."`
			CSR     pushRenewCSR     `cmd:"" name:"csr" help:"Write the request to upload at Apple's push certificate portal."`
			Upload  pushRenewUpload  `cmd:"" help:"Take the certificate that the portal gave."`
			Show    pushRenewShow    `cmd:"" help:"Show the newest renewal."`
			Cancel  pushRenewCancel  `cmd:"" help:"Give the renewal up."`
			Recheck pushRenewRecheck `cmd:"" help:"Ask Apple now about the uploaded certificate."`
		} `cmd:"" help:"Renew it, and keep the topic that devices listen to."`
		Retire pushRetire `cmd:"" help:"Put it out of use for good."`
	} `cmd:"" help:"The tenant's push certificate, without which no command reaches a device."`

	Adopt    adopt    `cmd:"" help:"Take existing tokens and key pairs, from JSON."`
	Offboard offboard `cmd:"" help:"Close a tenant and erase what is kept about it."`
	Keys     struct {
		Rotate keysRotate `cmd:"" help:"Make new master and data keys, and seal everything anew."`
	} `cmd:"" help:"The keys that seal the store."`

	Advise advise `cmd:"" help:"Say what to do about a server whose renewal looks impossible."`
	Steps  steps  `cmd:"" help:"Say what to click at Apple's portal."`
	Due    runDue `cmd:"" name:"run" help:"Do what is due: probes, reminders, retries."`

	APIAccount struct {
		Add    apiAccountAdd    `cmd:"" help:"Take an account that an administrator made at Apple's portal, or another one in its place."`
		List   apiAccountList   `cmd:"" help:"List the accounts."`
		Show   apiAccountShow   `cmd:"" help:"Show the tenant's account, without its key."`
		Check  apiAccountCheck  `cmd:"" help:"Ask Apple now whether it takes the account, and which services it sees."`
		Remove apiAccountRemove `cmd:"" help:"Destroy what is kept of the account."`
	} `cmd:"" name:"api-account" help:"The tenant's account for the Apple Business or School Manager API, by which devices are assigned."`

	Devices struct {
		Sync devicesSync `cmd:"" help:"Ask Apple which devices are assigned to a server."`
		List devicesList `cmd:"" help:"Show them, as they were when Apple was asked last."`
	} `cmd:"" help:"The devices of a server."`

	Profile struct {
		Define profileDefine `cmd:"" help:"Give Apple a new enrollment profile for the devices that move to a server."`
		Use    profileUse    `cmd:"" help:"Take a profile that the server has at Apple already."`
		Show   profileShow   `cmd:"" help:"Show it, as it is noted here and as Apple has it."`
	} `cmd:"" help:"The enrollment profile that devices get which move to a server."`

	Migrate struct {
		Plan         migratePlan         `cmd:"" help:"Make a plan by which devices move to another server."`
		List         migrateList         `cmd:"" help:"List the plans."`
		Show         migrateShow         `cmd:"" help:"Show a plan, and why nothing moves."`
		Moves        migrateMoves        `cmd:"" help:"Show the devices of a plan, and why each is moved as it is."`
		Submit       migrateSubmit       `cmd:"" help:"Have a plan approved by others, or begin where nobody has to."`
		Approve      migrateApprove      `cmd:"" help:"Approve a plan that somebody else made."`
		Reject       migrateReject       `cmd:"" help:"End a plan that waits for its approval."`
		Start        migrateStart        `cmd:"" help:"Begin now with a plan that has cooled down."`
		Pause        migratePause        `cmd:"" help:"Begin nothing new; no wipe leaves from then on."`
		Resume       migrateResume       `cmd:"" help:"Go on with a paused plan."`
		Cancel       migrateCancel       `cmd:"" help:"Give a plan up."`
		CancelAll    migrateCancelAll    `cmd:"" help:"Give up every plan of the tenant."`
		Exclude      migrateExclude      `cmd:"" aliases:"skip" help:"Leave a device of a plan alone."`
		Retry        migrateRetry        `cmd:"" help:"Begin again with a device that did not come to a good end."`
		CancelDevice migrateCancelDevice `cmd:"" help:"Give one device of a plan up."`
		Replace      migrateReplace      `cmd:"" help:"Call another device into the present wave in place of one that does not come by."`
		PIN          migratePIN          `cmd:"" name:"pin" help:"Show the PIN of a Mac that was locked by its wipe."`
		Batches      migrateBatches      `cmd:"" help:"Show the batches in which devices are assigned."`
		Serials      migrateSerials      `cmd:"" help:"Hand out the serial numbers of a batch, and what to click at Apple's portal."`
		Recheck      migrateRecheck      `cmd:"" help:"Say that the devices of a batch were assigned at Apple's portal."`
	} `cmd:"" help:"Move devices to another server."`

	Proposal struct {
		List    proposalList    `cmd:"" help:"List the changes that no single person makes."`
		Approve proposalApprove `cmd:"" help:"Approve a change that somebody else proposed."`
		Reject  proposalReject  `cmd:"" help:"End a proposal, or withdraw one's own."`
	} `cmd:"" help:"Changes of rules about wipes, and of kill switches, that others have to approve."`

	KillSwitch struct {
		On   killSwitchOn   `cmd:"" help:"Let no wipe leave any more, from now on."`
		Off  killSwitchOff  `cmd:"" help:"Propose to let wipes leave again."`
		Show killSwitchShow `cmd:"" help:"Show it."`
	} `cmd:"" help:"Stops every wipe of a tenant, or of the whole installation."`

	Approval struct {
		Text approvalText `cmd:"" help:"Print what a person signs who approves a plan or a proposal."`
	} `cmd:"" help:"Approvals by signature."`

	Policy struct {
		Show    policyShow    `cmd:"" help:"Show the rules."`
		Set     policySet     `cmd:"" help:"Change rules."`
		Inherit policyInherit `cmd:"" help:"Have the installation's rules hold for the tenant again."`
	} `cmd:"" help:"The rules of renewals, and of moving and wiping devices."`

	Audit struct {
		Show       auditShow       `cmd:"" help:"Show who did what to a server, push certificate, renewal, plan or tenant."`
		Export     auditExport     `cmd:"" help:"Print everything that was done since the last export, a JSON object in each line."`
		Verify     auditVerify     `cmd:"" help:"Check that no entry was changed, dropped or cut off."`
		Checkpoint auditCheckpoint `cmd:"" help:"Print the end of the audit, to be kept elsewhere."`
	} `cmd:"" help:"Who did what, and that nobody changed it since."`
}
