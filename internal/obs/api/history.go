// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/xml"
)

// Job is one attempt to build, successful or not.
type Job struct {
	SrcMD5     string   `xml:"srcmd5,attr"`
	VersRel    string   `xml:"versrel,attr"`
	BuildCount int      `xml:"bcnt,attr"` // what is added to VersRel for the release
	Ready      UnixTime `xml:"readytime,attr"`
	Start      UnixTime `xml:"starttime,attr"`
	End        UnixTime `xml:"endtime,attr"`
	Code       string   `xml:"code,attr"` // "succeeded", "unchanged", "failed", ...
	Reason     string   `xml:"reason,attr"`
}

// JobHistory gives the last attempts to build a target, 100 at most, oldest
// first. A rebuild by hand has the reason "new build", as the first one has.
func (c *Client) JobHistory(ctx context.Context, t Target) ([]Job, error) {
	return c.jobs(ctx, t)
}

// LastJob gives the last attempt to build a target, nil if there was none.
func (c *Client) LastJob(ctx context.Context, t Target) (*Job, error) {
	jobs, err := c.jobs(ctx, t, "limit", "1")
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	return &jobs[len(jobs)-1], nil // the newest stands last, with a limit as well
}

func (c *Client) jobs(ctx context.Context, t Target, query ...string) ([]Job, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	var doc struct {
		XMLName xml.Name `xml:"jobhistlist"`
		Jobs    []Job    `xml:"jobhist"`
	}
	err := c.document(ctx, &doc, append([]string{"package", t.Package}, query...), "build", t.Project, t.Repository, t.Arch, "_jobhistory")
	return doc.Jobs, err
}

// Build is one build whose results were kept.
type Build struct {
	SrcMD5 string   `xml:"srcmd5,attr"`
	Time   UnixTime `xml:"time,attr"`
}

// BuildHistory gives the builds of a target whose results were kept, oldest
// first.
func (c *Client) BuildHistory(ctx context.Context, t Target) ([]Build, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	var doc struct {
		XMLName xml.Name `xml:"buildhistory"`
		Builds  []Build  `xml:"entry"`
	}
	err := c.document(ctx, &doc, nil, t.path("_history")...)
	return doc.Builds, err
}

// Reason is why a target was built the last time.
type Reason struct {
	Explain string          `xml:"explain"` // "new build", "source change", "meta change", ...; "" if OBS does not know
	Changes []PackageChange `xml:"packagechange"`
}

// PackageChange is a dependency that changed.
type PackageChange struct {
	Key string `xml:"key,attr"` // "kernel-default-devel/pahole": the way to it
}

// Reason says why a target was built the last time.
func (c *Client) Reason(ctx context.Context, t Target) (Reason, error) {
	if err := t.Check(); err != nil {
		return Reason{}, err
	}
	var doc struct {
		XMLName xml.Name `xml:"reason"`
		Reason
	}
	err := c.document(ctx, &doc, nil, t.path("_reason")...)
	return doc.Reason, err
}
