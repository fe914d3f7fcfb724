/* SPDX-License-Identifier: Apache-2.0 */
/* A livepatch: it replaces a function of the one kernel that it was built for. */
#include "../include/module.h"
#include "../include/usb.h"

struct klp_func {
	const char *old_name;
	void *new_func;
	unsigned long old_sympos;
	bool nop;
};

struct klp_object {
	const char *name;
	struct klp_func *funcs;
	struct module *mod;
	bool patched;
};

struct klp_patch {
	struct module *mod;
	struct klp_object *objs;
	bool replace;
};

int klp_enable_patch(struct klp_patch *patch);

static noinline int klp_usb_submit_urb(struct urb *urb, gfp_t flags)
{
	return urb->status ? (int)flags : 0;
}

static noinline void klp_usb_kill_urb(struct urb *urb)
{
	urb->status = -2;
}

static noinline int klp_usb_control_msg(struct usb_device *udev, struct usb_interface *intf)
{
	return udev ? intf->minor : 0;
}

static noinline void klp_shadow(struct klp_object *obj, struct klp_func *func)
{
	obj->patched = func->nop;
}

static struct klp_func funcs[] = {
	{ .old_name = "usb_submit_urb", .new_func = klp_usb_submit_urb },
	{ .old_name = "usb_kill_urb", .new_func = klp_usb_kill_urb },
	{ .old_name = "usb_control_msg", .new_func = klp_usb_control_msg },
	{ },
};

static struct klp_object objs[] = {
	{ .name = "usbcore", .funcs = funcs },
	{ },
};

extern struct module __this_module;
static struct klp_patch patch = { .objs = objs };

static int livepatch_init(void)
{
	klp_shadow(objs, funcs);
	patch.mod = &__this_module;
	return klp_enable_patch(&patch);
}

static void livepatch_exit(void)
{
}

MODULE_ENTRY(livepatch_init, livepatch_exit);
MODULE_STRING("livepatch", "Y");
MODULE_INFO("A livepatch", "GPL", "");
